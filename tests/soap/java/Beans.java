import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.text.SimpleDateFormat;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Calendar;
import java.util.Date;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import javax.xml.datatype.DatatypeConstants;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.datatype.XMLGregorianCalendar;

/** JSON to the classes that were generated from a description and back, by reflection: as a programmer would by hand. */
abstract class Beans {
    private static final DateTimeFormatter INSTANT =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** The name in XML of a member of a generated class. */
    abstract String nameOf(Field field);

    /** A value of a type that only this client's generator knows; null where it is not one. */
    abstract Object make(JsonElement json, Type type, Field field) throws Exception;

    /** The same the other way. */
    abstract JsonElement show(Object value) throws Exception;

    final Object given(JsonElement json, Type type, Field field) throws Exception {
        if (json == null || json.isJsonNull()) return null;
        Object special = make(json, type, field);
        if (special != null) return special;
        if (type instanceof ParameterizedType) {
            Type item = ((ParameterizedType) type).getActualTypeArguments()[0];
            List<Object> items = new ArrayList<>();
            for (JsonElement one : json.getAsJsonArray()) items.add(given(one, item, null));
            return items;
        }
        Class<?> kind = (Class<?>) type;
        if (kind.isArray() && kind != byte[].class) {
            JsonArray items = json.getAsJsonArray();
            Object array = Array.newInstance(kind.getComponentType(), items.size());
            for (int at = 0; at < items.size(); at++) Array.set(array, at, given(items.get(at), kind.getComponentType(), null));
            return array;
        }
        return json.isJsonObject() ? bean(json.getAsJsonObject(), kind) : scalar(json.getAsJsonPrimitive(), kind);
    }

    private Object bean(JsonObject json, Class<?> kind) throws Exception {
        Object bean = kind.getDeclaredConstructor().newInstance();
        for (Map.Entry<String, JsonElement> member : json.entrySet()) {
            Field field = field(kind, member.getKey().replaceFirst("^@", ""));
            field.set(bean, given(member.getValue(), field.getGenericType(), field));
        }
        return bean;
    }

    private Field field(Class<?> kind, String name) {
        for (Field field : members(kind)) if (nameOf(field).equals(name)) return field;
        throw new IllegalArgumentException("the description has no " + name + " in " + kind);
    }

    private static List<Field> members(Class<?> kind) {
        List<Field> members = new ArrayList<>();
        for (Field field : kind.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers()) || field.getName().startsWith("__")) continue;
            field.setAccessible(true);
            members.add(field);
        }
        return members;
    }

    private static Object scalar(JsonPrimitive json, Class<?> kind) throws Exception {
        String text = json.getAsString();
        if (kind == String.class) return text;
        if (kind == boolean.class || kind == Boolean.class) return json.getAsBoolean();
        if (kind == int.class || kind == Integer.class) return Integer.valueOf(text);
        if (kind == long.class || kind == Long.class) return Long.valueOf(text);
        if (kind == double.class || kind == Double.class) return Double.valueOf(text);
        if (kind == BigDecimal.class) return new BigDecimal(text);
        if (kind == BigInteger.class) return new BigInteger(text);
        if (kind == byte[].class) return Base64.getDecoder().decode(text);
        if (kind == XMLGregorianCalendar.class) return DatatypeFactory.newInstance().newXMLGregorianCalendar(text);
        if (kind == Date.class) return Date.from(LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant());
        if (kind == Calendar.class) return GregorianCalendar.from(OffsetDateTime.parse(text).toZonedDateTime());
        // Enumerations are made so by both generators.
        return kind.getMethod("fromValue", String.class).invoke(null, text);
    }

    final JsonElement shown(Object value) throws Exception {
        if (value == null) return JsonNull.INSTANCE;
        JsonElement special = show(value);
        if (special != null) return special;
        if (value instanceof Integer || value instanceof Double) return new JsonPrimitive((Number) value);
        if (value instanceof Boolean) return new JsonPrimitive((Boolean) value);
        if (value instanceof byte[]) return text(Base64.getEncoder().encodeToString((byte[]) value));
        if (value instanceof BigDecimal) return text(((BigDecimal) value).toPlainString());
        if (value instanceof XMLGregorianCalendar) return text(calendar((XMLGregorianCalendar) value));
        if (value instanceof Calendar) return text(INSTANT.format(((Calendar) value).toInstant()));
        if (value instanceof Date) return text(day((Date) value));
        if (value instanceof List || value.getClass().isArray()) return array(value);
        if (!value.getClass().getName().startsWith("client.")) return text(value.toString());
        for (Method method : value.getClass().getMethods()) {
            boolean isText = method.getParameterCount() == 0 && method.getReturnType() == String.class;
            // An enumeration's own text.
            if (isText && method.getName().equals("value")) return text((String) method.invoke(value));
            if (isText && method.getName().equals("getValue") && members(value.getClass()).size() == 1)
                return text((String) method.invoke(value));
        }
        JsonObject members = new JsonObject();
        for (Field field : members(value.getClass())) members.add(nameOf(field), shown(field.get(value)));
        return members;
    }

    private JsonElement array(Object value) throws Exception {
        JsonArray items = new JsonArray();
        Object array = value instanceof List ? ((List<?>) value).toArray() : value;
        for (int at = 0; at < Array.getLength(array); at++) items.add(shown(Array.get(array, at)));
        return items;
    }

    private static String calendar(XMLGregorianCalendar value) {
        if (value.getXMLSchemaType().equals(DatatypeConstants.DATE)) return value.toXMLFormat();
        return INSTANT.format(value.toGregorianCalendar().toInstant());
    }

    private static String day(Date value) {
        SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd");
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        return format.format(value);
    }

    static JsonPrimitive text(String text) {
        return new JsonPrimitive(text);
    }
}
