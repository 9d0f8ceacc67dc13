// The protocol between the harness and this program: one JSON value a line. Java has no JSON parser of its
// own; a plan is flat, so that its fields can be extracted with regular expressions.

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.http.HttpTimeoutException;
import java.util.Arrays;
import java.util.List;
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

    /** Reports that setup is complete, waits for `go`, and returns its time. */
    static long ready(BufferedReader input, String client) throws IOException {
        var runtime = "Java " + Runtime.version() + ", virtual threads on "
                + Runtime.getRuntime().availableProcessors() + " threads";
        System.out.println("{\"ready\":true,\"runtime\":\"" + runtime + "\",\"client\":\"" + client + "\"}");
        var word = input.readLine();
        if (!"go".equals(word)) throw new IllegalStateException("expected `go` on stdin, got " + word);
        return System.nanoTime();
    }

    /** Reports that all responses are received, waits until the meters were read, and writes the samples. */
    static void done(BufferedReader input, Samples samples) throws IOException {
        System.out.println("done");
        while (input.readLine() != null) {}
        var all = new StringBuilder();
        for (int index = 0; index < samples.ids.length; index++) all.append(samples.line(index));
        System.out.print(all);
    }

    /** The samples. All memory is touched before `go`, so that no request adds to it. */
    static class Samples {
        private final long[] ids, startNs, endNs, status, bytes, crc32;
        private final String[] errors;

        Samples(long[] ids) {
            this.ids = ids;
            startNs = touched(ids.length);
            endNs = touched(ids.length);
            status = touched(ids.length);
            bytes = touched(ids.length);
            crc32 = touched(ids.length);
            errors = new String[ids.length];
            Arrays.fill(errors, "other");
        }

        private static long[] touched(int count) {
            var numbers = new long[count];
            Arrays.fill(numbers, -1);
            return numbers;
        }

        void time(int index, long startNs, long endNs) {
            this.startNs[index] = startNs;
            this.endNs[index] = endNs;
        }

        void response(int index, int status, byte[] body) {
            var crc32 = new CRC32();
            crc32.update(body);
            this.status[index] = status;
            this.bytes[index] = body.length;
            this.crc32[index] = crc32.getValue();
            errors[index] = null;
        }

        void failure(int index, Throwable error) {
            errors[index] = kind(error);
        }

        private String line(int index) {
            var outcome = errors[index] != null
                    ? "\"error\":\"" + errors[index] + "\""
                    : "\"status\":" + status[index] + ",\"bytes\":" + bytes[index] + ",\"crc32\":" + crc32[index];
            return "{\"id\":" + ids[index] + ",\"start_ns\":" + startNs[index] + ",\"end_ns\":" + endNs[index]
                    + "," + outcome + "}\n";
        }
    }

    /** HttpClient accepts several lengths and signs in lengths. Such a response is malformed. */
    static void checkLengths(List<String> lengths) {
        var isOneNumber = lengths.stream().distinct().count() <= 1
                && lengths.stream().allMatch(length -> length.matches("[0-9]+"));
        if (!isOneNumber) throw new NumberFormatException("bad Content-Length " + lengths);
    }

    /** The error kind of an error of HttpClient. Errors of its parser are mostly plain IOExceptions. */
    private static String kind(Throwable error) {
        for (var cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof TimeoutException || cause instanceof HttpTimeoutException) return "timeout";
            if (cause instanceof ConnectException) return "connect";
            if (cause instanceof SocketException) return "reset";
            if (cause instanceof EOFException) return "truncated";
            if (cause instanceof NumberFormatException) return "malformed";
        }
        return error instanceof IOException ? "malformed" : "other";
    }
}
