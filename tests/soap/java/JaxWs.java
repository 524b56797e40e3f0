import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.StringWriter;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.jws.WebParam;
import javax.jws.WebResult;
import javax.jws.soap.SOAPBinding;
import javax.xml.bind.JAXBElement;
import javax.xml.bind.annotation.XmlAttribute;
import javax.xml.bind.annotation.XmlElement;
import javax.xml.bind.annotation.XmlElementRef;
import javax.xml.namespace.QName;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.Holder;
import javax.xml.ws.WebEndpoint;
import javax.xml.ws.WebServiceClient;
import javax.xml.ws.WebServiceFeature;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.soap.MTOMFeature;
import javax.xml.ws.soap.SOAPFaultException;
import org.w3c.dom.Node;

/** Calls with classes that wsimport made; a call with {@code "mtom": true} sends its bytes beside the envelope. */
final class JaxWs extends Driver {
    private final String folder;

    /** Each reads the description anew when it is made. */
    private final Map<String, Object> ports = new HashMap<>();

    private JaxWs(String folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        new JaxWs(arguments[0]).run();
    }

    @Override
    Object port(JsonObject task, JsonObject call) throws Exception {
        String ending = "Soap" + string(call, "version").replace(".", "");
        boolean mtom = call.has("mtom") && call.get("mtom").getAsBoolean();
        String key = ending + mtom;
        if (!ports.containsKey(key)) ports.put(key, connect(task, ending, mtom));
        return ports.get(key);
    }

    private Object connect(JsonObject task, String ending, boolean mtom) throws Exception {
        for (Class<?> service : generated(folder)) {
            if (!service.isAnnotationPresent(WebServiceClient.class)) continue;
            Class<?>[] parameters = mtom ? new Class<?>[] {WebServiceFeature[].class} : new Class<?>[0];
            Object[] features = mtom ? new Object[] {new WebServiceFeature[] {new MTOMFeature(0)}} : new Object[0];
            for (Method method : service.getMethods()) {
                WebEndpoint endpoint = method.getAnnotation(WebEndpoint.class);
                if (endpoint == null || !endpoint.name().endsWith(ending) || method.getParameterCount() != 0) continue;
                Object made = service.getDeclaredConstructor().newInstance();
                Object port = service.getMethod(method.getName(), parameters).invoke(made, features);
                authenticate(((BindingProvider) port).getRequestContext(), task.getAsJsonObject("security"));
                return port;
            }
        }
        throw new IllegalArgumentException("the description has no port " + ending);
    }

    private static void authenticate(Map<String, Object> context, JsonObject security) {
        if ("basic".equals(string(security, "kind"))) {
            context.put(BindingProvider.USERNAME_PROPERTY, string(security, "username"));
            context.put(BindingProvider.PASSWORD_PROPERTY, string(security, "password"));
        }
        if ("api-key".equals(string(security, "kind")))
            context.put(MessageContext.HTTP_REQUEST_HEADERS, Map.of("X-API-Key", List.of(string(security, "key"))));
    }

    @Override
    String parameterOf(Method method, int at) {
        if (isBare(method)) return null;
        for (Object annotation : method.getParameterAnnotations()[at])
            if (annotation instanceof WebParam) return ((WebParam) annotation).name();
        throw new IllegalArgumentException(method + " has a parameter without a name");
    }

    /** The element is one parameter, since it is more than a sequence of elements. */
    private static boolean isBare(Method method) {
        SOAPBinding binding = method.getAnnotation(SOAPBinding.class);
        if (binding == null) binding = method.getDeclaringClass().getAnnotation(SOAPBinding.class);
        return binding != null && binding.parameterStyle() == SOAPBinding.ParameterStyle.BARE;
    }

    @Override
    boolean isHolder(Class<?> kind) {
        return kind == Holder.class;
    }

    @Override
    Type held(Method method, int at) {
        return ((ParameterizedType) method.getGenericParameterTypes()[at]).getActualTypeArguments()[0];
    }

    @Override
    String resultOf(Object port, Method method) {
        return isBare(method) ? null : method.getAnnotation(WebResult.class).name();
    }

    @Override
    String nameOf(Field field) {
        XmlElement element = field.getAnnotation(XmlElement.class);
        XmlElementRef reference = field.getAnnotation(XmlElementRef.class);
        XmlAttribute attribute = field.getAnnotation(XmlAttribute.class);
        String name = element != null ? element.name() : reference != null ? reference.name() : "##default";
        if (attribute != null) name = attribute.name();
        return name.equals("##default") ? field.getName() : name;
    }

    @Override
    @SuppressWarnings({"unchecked", "rawtypes"})
    Object make(JsonElement json, Type type, Field field) throws Exception {
        if (!(type instanceof ParameterizedType) || ((ParameterizedType) type).getRawType() != JAXBElement.class) return null;
        XmlElementRef reference = field.getAnnotation(XmlElementRef.class);
        Class<?> kind = (Class<?>) ((ParameterizedType) type).getActualTypeArguments()[0];
        return new JAXBElement(new QName(reference.namespace(), reference.name()), kind, given(json, kind, null));
    }

    @Override
    JsonElement show(Object value) throws Exception {
        return value instanceof JAXBElement ? shown(((JAXBElement<?>) value).getValue()) : null;
    }

    @Override
    JsonObject fault(Throwable thrown) throws Exception {
        if (thrown instanceof SOAPFaultException) {
            javax.xml.soap.SOAPFault fault = ((SOAPFaultException) thrown).getFault();
            String detail = fault.getDetail() == null ? null : xml(fault.getDetail());
            return faultOf(fault.getFaultCodeAsQName().getLocalPart(), fault.getFaultString(), detail);
        }
        // Declared by the description: the generated exception has the detail and no code.
        if (!thrown.getClass().getName().startsWith("client.")) return null;
        Object detail = thrown.getClass().getMethod("getFaultInfo").invoke(thrown);
        return faultOf(null, thrown.getMessage(), shown(detail).toString());
    }

    private static String xml(Node node) throws Exception {
        StringWriter text = new StringWriter();
        TransformerFactory.newInstance().newTransformer().transform(new DOMSource(node), new StreamResult(text));
        return text.toString();
    }
}
