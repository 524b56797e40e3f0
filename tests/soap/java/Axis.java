import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import org.apache.axis.AxisFault;
import org.apache.axis.client.Service;
import org.apache.axis.client.Stub;
import org.apache.axis.description.OperationDesc;
import org.apache.axis.description.FieldDesc;
import org.apache.axis.description.TypeDesc;
import org.apache.axis.types.UnsignedInt;
import org.apache.axis.types.UnsignedLong;
import org.apache.axis.utils.XMLUtils;
import org.w3c.dom.Element;

/** Calls with classes that Axis' WSDL2Java made. */
final class Axis extends Driver {
    private final String folder;

    private Axis(String folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        new Axis(arguments[0]).run();
    }

    @Override
    Object port(JsonObject task, JsonObject call) throws Exception {
        for (Class<?> locator : generated(folder)) {
            if (!Service.class.isAssignableFrom(locator)) continue;
            for (Method method : locator.getMethods()) {
                if (!method.getName().endsWith("Soap11") || method.getParameterCount() != 0) continue;
                Stub port = (Stub) method.invoke(locator.getDeclaredConstructor().newInstance());
                JsonObject security = task.getAsJsonObject("security");
                if ("basic".equals(string(security, "kind"))) {
                    port.setUsername(string(security, "username"));
                    port.setPassword(string(security, "password"));
                }
                return port;
            }
        }
        throw new IllegalArgumentException("the description has no port Soap11");
    }

    /** A whole message is named as its part is: WSDL 1.1 has no other name for it. */
    @Override
    String parameterOf(Method method, int at) {
        String name = method.getParameters()[at].getName();
        return name.equals("parameters") ? null : name;
    }

    @Override
    boolean isHolder(Class<?> kind) {
        return javax.xml.rpc.holders.Holder.class.isAssignableFrom(kind);
    }

    @Override
    Type held(Method method, int at) throws Exception {
        return method.getParameterTypes()[at].getField("value").getType();
    }

    @Override
    String resultOf(Object port, Method method) throws Exception {
        boolean bare = method.getReturnType().getSimpleName().equalsIgnoreCase(method.getName() + "Response");
        if (bare) return null;
        Field operations = port.getClass().getDeclaredField("_operations");
        operations.setAccessible(true);
        for (OperationDesc operation : (OperationDesc[]) operations.get(null))
            if (operation.getName().equals(method.getName())) return operation.getReturnQName().getLocalPart();
        throw new IllegalArgumentException("no description of " + method);
    }

    @Override
    String nameOf(Field field) {
        TypeDesc type = TypeDesc.getTypeDescForClass(field.getDeclaringClass());
        FieldDesc description = type == null ? null : type.getFieldByName(field.getName());
        return description == null ? field.getName() : description.getXmlName().getLocalPart();
    }

    @Override
    Object make(JsonElement json, Type type, Field field) throws Exception {
        if (type == UnsignedInt.class) return new UnsignedInt(json.getAsLong());
        return type == UnsignedLong.class ? new UnsignedLong(json.getAsBigInteger()) : null;
    }

    @Override
    JsonElement show(Object value) {
        return null;
    }

    @Override
    JsonObject fault(Throwable thrown) throws Exception {
        if (!(thrown instanceof AxisFault)) return null;
        AxisFault fault = (AxisFault) thrown;
        // No reply at all is a fault of the client's own making.
        if (fault.detail != null) return null;
        StringBuilder detail = new StringBuilder();
        if (fault.getFaultDetails() != null)
            for (Element element : fault.getFaultDetails()) detail.append(XMLUtils.ElementToString(element));
        if (fault.getClass().getName().startsWith("client.")) detail.append(shown(fault));
        return faultOf(fault.getFaultCode().getLocalPart(), fault.getFaultString(), detail.toString());
    }
}
