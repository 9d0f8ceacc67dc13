// A virtual thread for every URL, limited by a semaphore, over one HttpClient.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodySubscribers;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

public class VirtualThreads {
    public static void main(String[] args) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in));
        var plan = Protocol.readPlan(input);
        var ids = plan.ids();
        var samples = new Protocol.Samples(ids);
        var semaphore = new Semaphore(plan.inFlight());

        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                var client = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .proxy(HttpClient.Builder.NO_PROXY)
                        .connectTimeout(Duration.ofMillis(plan.connectTimeoutMs()))
                        .executor(threads)
                        .build()) {
            var goNs = Protocol.ready(input, "java.net.http");
            for (int i = 0; i < ids.length; i++) {
                var index = i;
                semaphore.acquire();
                threads.submit(() -> {
                    try {
                        fetch(client, plan, samples, index, ids[index], goNs);
                    } finally {
                        semaphore.release();
                    }
                });
            }
            semaphore.acquire(plan.inFlight());
            Protocol.done(input, samples);
            client.shutdownNow(); // otherwise it waits for a response that timed out within its head
        }
    }

    private static void fetch(
            HttpClient client, Protocol.Plan plan, Protocol.Samples samples, int index, long id, long goNs) {
        var request = HttpRequest.newBuilder(URI.create(plan.urlPrefix() + id)).build();
        var startNs = System.nanoTime();
        // The timeout of a request ends with the head. This waits as `send` does, with a timeout.
        var future = client.sendAsync(request, head -> {
            Protocol.checkLengths(head.headers().allValues("content-length"));
            return BodySubscribers.ofByteArray();
        });
        try {
            var response = future.get(plan.requestTimeoutMs(), TimeUnit.MILLISECONDS);
            samples.response(index, response.statusCode(), response.body());
        } catch (ExecutionException error) {
            samples.failure(index, error.getCause());
        } catch (TimeoutException | InterruptedException error) {
            future.cancel(true);
            samples.failure(index, error);
        }
        samples.time(index, startNs - goNs, System.nanoTime() - goNs);
    }
}
