import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What both Java clients do: read the task, call by generated methods, print results; see ../README.md. */
abstract class Driver extends Beans {
    /** An argument that comes back, too: the generators' holders have their value in a field of this name. */
    private static final String HELD = "value";

    abstract Object port(JsonObject task, JsonObject call) throws Exception;

    /** The name in XML of a parameter; null where it stands for the whole. */
    abstract String parameterOf(Method method, int at);

    abstract boolean isHolder(Class<?> kind);

    /** The type within a holder. */
    abstract java.lang.reflect.Type held(Method method, int at) throws Exception;

    /** The name in XML of what a method returns; null where it stands for the whole. */
    abstract String resultOf(Object port, Method method) throws Exception;

    /** Null where it is none. */
    abstract JsonObject fault(Throwable thrown) throws Exception;

    final void run() throws Exception {
        JsonObject task = JsonParser.parseReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).getAsJsonObject();
        JsonArray results = new JsonArray();
        for (JsonElement call : task.getAsJsonArray("calls")) results.add(answer(task, call.getAsJsonObject()));
        JsonObject document = new JsonObject();
        document.add("results", results);
        System.out.write(document.toString().getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }

    private JsonObject answer(JsonObject task, JsonObject call) throws Exception {
        Object port = port(task, call);
        Method method = method(port, call.get("operation").getAsString());
        JsonObject answer = new JsonObject();
        try {
            answer.add("output", invoke(port, method, call.getAsJsonObject("input")));
        } catch (InvocationTargetException thrown) {
            JsonObject fault = fault(thrown.getCause());
            if (fault == null) throw thrown;
            answer.add("fault", fault);
        }
        return answer;
    }

    private Method method(Object port, String operation) {
        for (Class<?> contract : port.getClass().getInterfaces())
            if (contract.getName().startsWith("client."))
                for (Method method : contract.getMethods()) if (method.getName().equals(operation)) return method;
        throw new IllegalArgumentException("the description has no " + operation);
    }

    private JsonElement invoke(Object port, Method method, JsonObject input) throws Exception {
        Class<?>[] kinds = method.getParameterTypes();
        Object[] arguments = new Object[kinds.length];
        for (int at = 0; at < kinds.length; at++) {
            String name = parameterOf(method, at);
            JsonElement json = name == null ? input : input.get(name);
            if (isHolder(kinds[at])) {
                arguments[at] = kinds[at].getDeclaredConstructor().newInstance();
                if (json != null) kinds[at].getField(HELD).set(arguments[at], given(json, held(method, at), null));
            } else {
                arguments[at] = given(json, method.getGenericParameterTypes()[at], null);
            }
        }
        Object result = method.invoke(port, arguments);
        JsonObject output = new JsonObject();
        for (int at = 0; at < kinds.length; at++)
            if (isHolder(kinds[at])) output.add(parameterOf(method, at), shown(kinds[at].getField(HELD).get(arguments[at])));
        if (method.getReturnType() == void.class) return output.size() > 0 ? output : shown(null);
        String name = resultOf(port, method);
        if (name == null) return shown(result);
        output.add(name, shown(result));
        return output;
    }

    static JsonObject faultOf(String code, String text, String detail) {
        JsonObject fault = new JsonObject();
        fault.addProperty("code", code);
        fault.addProperty("text", text);
        fault.addProperty("detail", detail);
        return fault;
    }

    /** The classes that were generated, in the folder that is given. */
    static List<Class<?>> generated(String folder) throws Exception {
        List<Class<?>> found = new ArrayList<>();
        for (String name : new File(folder, "client").list())
            if (name.endsWith(".class")) found.add(Class.forName("client." + name.replaceFirst("\\.class$", "")));
        return found;
    }

    static String string(JsonObject object, String name) {
        return object != null && object.has(name) ? object.get(name).getAsString() : null;
    }
}
