#!/bin/sh
# Makes a client of the description at a URL, in a folder of its own, and calls with it:
# call.sh jaxws|axis FOLDER URL [OPTION OF THE GENERATOR…] <TASK
set -eu
client=$1
folder=$2
url=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
jars=/usr/share/java
path=$folder:$jars/gson.jar
case $client in
jaxws)
    main=JaxWs
    libraries="jaxws-rt jaxws-api jaxb-api jaxb-runtime jaxb-core"
    ;;
axis)
    main=Axis
    libraries="axis axis-jaxrpc axis-saaj wsdl4j commons-logging commons-discovery javax.mail javax.activation"
    ;;
esac
for library in $libraries; do path=$path:$jars/$library.jar; done

generate() {
    case $client in
    # -extension: to JAX-WS, a port of SOAP 1.2 in WSDL 1.1 is one.
    jaxws) wsimport -extension -quiet -keep -Xnocompile -p client -d "$folder" "$@" "$url" ;;
    axis) java -cp "$path" org.apache.axis.wsdl.WSDL2Java -p client -o "$folder" "$@" "$url" ;;
    esac
}

# What was made stays for further calls.
if [ ! -e "$folder/made" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    generate "$@" >&2
    # With the names of parameters, by which a task names them.
    javac -nowarn -parameters -cp "$path" -d "$folder" "$folder"/client/*.java "$here/Beans.java" "$here/Driver.java" \
        "$here/$main.java" >&2
    touch "$folder/made"
fi
exec java -Duser.timezone=UTC -Dfile.encoding=UTF-8 -cp "$path" $main "$folder"
