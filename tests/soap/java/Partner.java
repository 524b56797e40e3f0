import com.sun.net.httpserver.HttpServer;
import java.math.BigDecimal;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.Executors;
import javax.jws.Oneway;
import javax.jws.WebMethod;
import javax.jws.WebParam;
import javax.jws.WebResult;
import javax.jws.WebService;
import javax.jws.soap.SOAPBinding;
import javax.xml.bind.annotation.XmlAccessType;
import javax.xml.bind.annotation.XmlAccessorType;
import javax.xml.bind.annotation.XmlAttribute;
import javax.xml.bind.annotation.XmlElement;
import javax.xml.bind.annotation.XmlEnum;
import javax.xml.bind.annotation.XmlMimeType;
import javax.xml.datatype.XMLGregorianCalendar;
import javax.xml.ws.BindingType;
import javax.xml.ws.Endpoint;
import javax.xml.ws.WebFault;
import javax.xml.ws.soap.MTOM;

/**
 * SOAP services that Busbar had no hand in, by JAX-WS. Prints the URLs of their descriptions, one a line, and serves until it is
 * ended: document/literal with SOAP 1.1, the same with SOAP 1.2 and MTOM, rpc/literal.
 */
final class Partner {
    private Partner() {}

    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        Object[] services = {new Library(), new LibraryWithParts(), new Counter()};
        String[] paths = {"/library", "/library12", "/counter"};
        for (int at = 0; at < services.length; at++) {
            Endpoint.create(services[at]).publish(server.createContext(paths[at]));
        }
        server.start();
        for (String path : paths) {
            System.out.println("http://127.0.0.1:" + server.getAddress().getPort() + path + "?wsdl");
        }
        System.out.flush();
    }

    @XmlEnum
    public enum Genre {
        NOVEL,
        POETRY
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Book {
        @XmlAttribute(required = true)
        public String isbn;

        @XmlElement(required = true)
        public String title;

        public Genre genre;
        public BigDecimal price;
        public XMLGregorianCalendar printed;
        public Date bought;

        @XmlElement(nillable = true)
        public List<String> authors = new ArrayList<>();

        @XmlMimeType("application/octet-stream")
        public byte[] cover;

        public List<Book> sequels;
    }

    @WebFault(name = "Lent", targetNamespace = "http://library.example/")
    public static class LentException extends Exception {
        private final Details details;

        public LentException(String message, Details details) {
            super(message);
            this.details = details;
        }

        public Details getFaultInfo() {
            return details;
        }
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Details {
        public String isbn;
        public int days;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Shelve {
        @XmlElement(required = true)
        public Book book;

        public int row;
    }

    // Bare: Debian's JAX-WS lacks what makes classes for wrapped parameters.
    @SOAPBinding(parameterStyle = SOAPBinding.ParameterStyle.BARE)
    @WebService(targetNamespace = "http://library.example/", serviceName = "Library", portName = "LibraryPort")
    public static class Library {
        @WebMethod(action = "urn:shelve")
        @WebResult(name = "shelved")
        public Book shelve(@WebParam(name = "shelve") Shelve request) throws LentException {
            Book book = request.book;
            if ("lent".equals(book.title)) {
                Details details = new Details();
                details.isbn = book.isbn;
                details.days = request.row;
                throw new LentException("the book is lent", details);
            }
            return book;
        }

        @Oneway
        public void note(@WebParam(name = "note") String text) {}
    }

    @MTOM
    @BindingType(javax.xml.ws.soap.SOAPBinding.SOAP12HTTP_MTOM_BINDING)
    @SOAPBinding(parameterStyle = SOAPBinding.ParameterStyle.BARE)
    @WebService(targetNamespace = "http://library.example/", serviceName = "Library", portName = "LibraryPort")
    public static class LibraryWithParts extends Library {
        @Override
        @WebMethod(action = "urn:shelve")
        @WebResult(name = "shelved")
        public Book shelve(@WebParam(name = "shelve") Shelve request) throws LentException {
            return super.shelve(request);
        }

        @Override
        @Oneway
        public void note(@WebParam(name = "note") String text) {}
    }

    @WebService(targetNamespace = "urn:counter")
    @SOAPBinding(style = SOAPBinding.Style.RPC)
    public static class Counter {
        @WebResult(name = "sum")
        public long add(@WebParam(name = "one") long one, @WebParam(name = "other") long other) {
            return one + other;
        }

        @WebResult(name = "book")
        public Book mirror(@WebParam(name = "book") Book book) {
            return book;
        }
    }
}
