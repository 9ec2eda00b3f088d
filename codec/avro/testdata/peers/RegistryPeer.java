import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/**
 * Reads messages with Apache Avro for Java and a schema registry and writes them again under
 * their id.
 *
 * <p>The argument is the URL of the registry. stdin is a JSON list of {"topic", "message",
 * "key"}, message in hex and key telling that it is one; stdout is one of {"message", "value"},
 * value for keys alone.
 */
public final class RegistryPeer {
  private static final int PREFIX = 5;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  public static void main(String[] args) throws Exception {
    ArrayNode answers = JSON.createArrayNode();
    for (JsonNode question : JSON.readTree(System.in)) {
      answers.add(passOn(args[0], question));
    }
    JSON.writeValue(System.out, answers);
  }

  private static ObjectNode passOn(String url, JsonNode question) throws Exception {
    byte[] message = HexFormat.of().parseHex(question.get("message").asText());
    if (message[0] != 0) {
      throw new IOException("no message of a registry");
    }
    Schema schema = schemaOf(url, ByteBuffer.wrap(message).getInt(1));
    BinaryDecoder body = DecoderFactory.get().binaryDecoder(message, PREFIX, message.length - PREFIX, null);
    Object value = new GenericDatumReader<Object>(schema).read(null, body);
    if (!body.isEnd()) {
      throw new IOException("bytes are left over");
    }
    ObjectNode answer = JSON.createObjectNode();
    answer.put("message", HexFormat.of().formatHex(written(message, schema, value)));
    if (question.path("key").asBoolean()) {
      answer.put("value", value.toString());
    }
    return answer;
  }

  private static Schema schemaOf(String url, int id) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/schemas/ids/" + id)).build();
    String body = HTTP.send(request, BodyHandlers.ofString()).body();
    return new Schema.Parser().parse(JSON.readTree(body).get("schema").asText());
  }

  private static byte[] written(byte[] message, Schema schema, Object value) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(message, 0, PREFIX);
    BinaryEncoder body = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<Object>(schema).write(value, body);
    body.flush();
    return out.toByteArray();
  }
}
