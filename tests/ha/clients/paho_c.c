/* paho for C through a failover: paho_c URL SECONDS. Prints what mqtt_js.js does, but for the
   resumed sessions, which the library does not tell: it subscribes only once, so that what comes
   after the failover comes from its old session. Plain: Debian's 1.3.12 damages by TLS what it was
   sending when the connection ended (its issue 1592), and no broker takes that. */
#include <MQTTAsync.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 20000 };
static int acknowledged[3][MOST], received[3][MOST];
static volatile int acknowledged_count[3], received_count[3], connects, subscribed;
static MQTTAsync client;

static void on_acknowledged(void* context, MQTTAsync_successData* data) {
  (void)data;
  const int number = (int)(long)context;
  const int qos = 1 + number % 2;
  if (acknowledged_count[qos] < MOST) acknowledged[qos][acknowledged_count[qos]++] = number;
}

static int on_message(void* context, char* topic, int size, MQTTAsync_message* message) {
  (void)context, (void)size;
  char text[16] = "";
  memcpy(text, message->payload, message->payloadlen < 15 ? (size_t)message->payloadlen : 15);
  const int qos = topic[strlen(topic) - 1] - '0';
  if (received_count[qos] < MOST) received[qos][received_count[qos]++] = atoi(text);
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}

static void on_subscribed(void* context, MQTTAsync_successData* data) {
  (void)context, (void)data;
  subscribed = 1;
}

static void on_first(void* context, MQTTAsync_successData* data) {
  (void)context, (void)data;
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  options.onSuccess = on_subscribed;
  MQTTAsync_subscribe(client, "real/c/#", 2, &options);
}

static void on_connected(void* context, char* cause) {
  (void)context, (void)cause;
  ++connects;
}

static void print_list(const char* name, int lists[3][MOST], volatile int* counts) {
  printf("\"%s\": {", name);
  for (int qos = 1; qos <= 2; ++qos) {
    printf("%s\"%d\": [", qos == 1 ? "" : ", ", qos);
    for (int i = 0; i < counts[qos]; ++i) printf("%s%d", i ? "," : "", lists[qos][i]);
    printf("]");
  }
  printf("}, ");
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
  create.sendWhileDisconnected = 1;
  create.maxBufferedMessages = MOST;
  if (MQTTAsync_createWithOptions(&client, argv[1], "c", MQTTCLIENT_PERSISTENCE_NONE, NULL,
                                  &create))
    return 3;
  MQTTAsync_setCallbacks(client, NULL, NULL, on_message, NULL);
  MQTTAsync_setConnected(client, NULL, on_connected);
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  options.cleansession = 0;
  options.keepAliveInterval = 2;
  options.maxInflight = 1000;
  options.automaticReconnect = 1;
  options.minRetryInterval = 1;
  options.maxRetryInterval = 1;
  options.onSuccess = on_first;
  if (MQTTAsync_connect(client, &options)) return 4;
  for (int i = 0; i < 1000 && !subscribed; ++i) usleep(10000);
  if (!subscribed) return 5;
  const time_t end = time(NULL) + atoi(argv[2]);
  int number = 0;
  for (; time(NULL) < end; ++number) {
    char topic[16], text[16];
    const int qos = 1 + number % 2;
    snprintf(topic, sizeof topic, "real/c/%d", qos);
    snprintf(text, sizeof text, "%d", number);
    MQTTAsync_responseOptions answer = MQTTAsync_responseOptions_initializer;
    answer.onSuccess = on_acknowledged;
    answer.context = (void*)(long)number;
    if (MQTTAsync_send(client, topic, (int)strlen(text), text, qos, 0, &answer)) return 6;
    usleep(10000);
  }
  for (int i = 0; i < 300; ++i) {
    if (acknowledged_count[1] + acknowledged_count[2] == number &&
        received_count[1] + received_count[2] >= number)
      break;
    usleep(50000);
  }
  usleep(500000); /* for what should not come */
  printf("{");
  print_list("acknowledged", acknowledged, acknowledged_count);
  print_list("received", received, received_count);
  printf("\"resumed\": null, \"connects\": %d}\n", connects);
  fflush(stdout);
  _exit(0);
}
