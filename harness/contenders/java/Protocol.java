// What the program hears from the harness and says to it: one JSON value a line. Java has no JSON of its
// own; a plan is flat, so that what is needed can be picked out of it.

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.http.HttpTimeoutException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;

class Protocol {
    record Plan(String urlPrefix, long[] ids, int inFlight, long connectTimeoutMs, long requestTimeoutMs) {}

    static Plan readPlan(BufferedReader input) throws IOException {
        var line = input.readLine();
        var ids = Stream.of(value(line, "ids", "\\[([^\\]]*)\\]").split(",")).map(String::strip);
        return new Plan(
                value(line, "url_prefix", "\"([^\"]*)\""),
                ids.filter(id -> !id.isEmpty()).mapToLong(Long::parseLong).toArray(),
                Integer.parseInt(value(line, "in_flight", "(\\d+)")),
                Long.parseLong(value(line, "connect_timeout_ms", "(\\d+)")),
                Long.parseLong(value(line, "request_timeout_ms", "(\\d+)")));
    }

    private static String value(String line, String key, String pattern) {
        var found = Pattern.compile("\"" + key + "\"\\s*:\\s*" + pattern).matcher(line);
        if (!found.find()) throw new IllegalArgumentException("the plan has no " + key);
        return found.group(1);
    }

    /** Says that everything is set up, waits for `go`, and gives the time of it. */
    static long ready(BufferedReader input, String client) throws IOException {
        var runtime = "Java " + Runtime.version() + ", virtual threads on "
                + Runtime.getRuntime().availableProcessors() + " threads";
        System.out.println("{\"ready\":true,\"runtime\":\"" + runtime + "\",\"client\":\"" + client + "\"}");
        var word = input.readLine();
        if (!"go".equals(word)) throw new IllegalStateException("expected `go` on stdin, got " + word);
        return System.nanoTime();
    }

    /** Says that the last response is in, waits until the meters were read, and tells the samples. */
    static void done(BufferedReader input, String[] samples) throws IOException {
        System.out.println("done");
        while (input.readLine() != null) {}
        System.out.println(String.join("\n", samples));
    }

    static String sample(long id, long startNs, long endNs, String outcome) {
        return "{\"id\":" + id + ",\"start_ns\":" + startNs + ",\"end_ns\":" + endNs + "," + outcome + "}";
    }

    static String response(int status, byte[] body) {
        var crc32 = new CRC32();
        crc32.update(body);
        return "\"status\":" + status + ",\"bytes\":" + body.length + ",\"crc32\":" + crc32.getValue();
    }

    static String failure(Throwable error) {
        return "\"error\":\"" + kind(error) + "\"";
    }

    /** What an error of HttpClient is called. Those of its parser are for the most part plain IOExceptions. */
    private static String kind(Throwable error) {
        for (var cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof TimeoutException || cause instanceof HttpTimeoutException) return "timeout";
            if (cause instanceof ConnectException) return "connect";
            if (cause instanceof SocketException) return "reset";
            if (cause instanceof EOFException) return "truncated";
        }
        return error instanceof IOException ? "malformed" : "other";
    }
}
