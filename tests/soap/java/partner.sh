#!/bin/sh
# Serves: partner.sh FOLDER, in which it is compiled.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
jars=/usr/share/java
path=$folder
for library in jaxws-rt jaxws-api jaxb-api jaxb-runtime jaxb-core; do path=$path:$jars/$library.jar; done
mkdir -p "$folder"
javac -nowarn -parameters -cp "$path" -d "$folder" "$here/Partner.java" >&2
exec java -Duser.timezone=UTC -Dfile.encoding=UTF-8 -cp "$path" Partner
