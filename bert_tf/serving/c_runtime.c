/* Has TensorFlow's C++ runtime answer a SavedModel's golden inputs, without Python.

   c_runtime MODEL_DIR TOLERANCE LIBRARY... < cases

   Loads the libraries of operations and the model, runs each case and compares what comes
   out with what is expected: floats within the tolerance, absolute up to 1 and relative
   beyond, and all else exactly. Prints the first difference and exits with 1, or nothing
   and exits with 0.

   What c_runtime.py writes to standard input, with white space between any two items:

     cases   the number of cases, then the cases
     case    text (the signature), inputs, outputs
     inputs, outputs   the number of tensors, then the tensors
     tensor  text (its name in the signature), text (the operation in the graph), index of
             the operation's output, type (TF_DataType), number of dimensions, dimensions,
             values
     value   a number, or a text if the type is string
     text    length in bytes, a colon, the bytes

   Nothing is freed: all of it is needed until the end, which is soon. */

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

/* The server compiles nothing at run time, so no export may need it. The C API has no
   function for this; the name is that of tensorflow::DisableXlaCompilation(). */
void disable_xla_compilation(void) __asm__("_ZN10tensorflow21DisableXlaCompilationEv");

/* Tensors in the order of the file, as TF_SessionRun takes them. */
typedef struct {
  int count;
  char **names;
  TF_Output *ports;
  TF_Tensor **values;
} Tensors;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  exit(1);
}

static void require_ok(const TF_Status *status, const char *what) {
  if (TF_GetCode(status) != TF_OK)
    fail("%s: expected no error, received %s", what, TF_Message(status));
}

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) fail("expected memory for %zu values, received none", count);
  return memory;
}

/* --- Reading ---------------------------------------------------------------------------- */

static void require_read(int is_read) {
  if (!is_read) fail("expected cases as c_runtime.c describes them, received others");
}

static int64_t read_integer(void) {
  int64_t value;
  require_read(scanf("%" SCNd64, &value) == 1);
  return value;
}

/* Its length too, unless that is NULL. */
static char *read_text(size_t *length) {
  size_t num_bytes = (size_t)read_integer();
  char *text = allocate(num_bytes + 1, 1);
  require_read(getchar() == ':' && fread(text, 1, num_bytes, stdin) == num_bytes);
  if (length) *length = num_bytes;
  return text;
}

static size_t size_of(TF_DataType type) {
  switch (type) {
    case TF_FLOAT:
      return sizeof(float);
    case TF_INT32:
      return sizeof(int32_t);
    case TF_INT64:
      return sizeof(int64_t);
    case TF_STRING:
      return sizeof(TF_TString);
    default:
      fail("expected float32, int32, int64 or string, received TF_DataType %d", type);
  }
}

static void read_value(TF_DataType type, void *value) {
  size_t length;
  char *text;
  switch (type) {
    case TF_FLOAT:
      require_read(scanf("%f", (float *)value) == 1);
      break;
    case TF_INT32:
      *(int32_t *)value = (int32_t)read_integer();
      break;
    case TF_INT64:
      *(int64_t *)value = read_integer();
      break;
    default:
      text = read_text(&length);
      TF_StringInit(value);
      TF_StringCopy(value, text, length);
  }
}

static TF_Tensor *read_tensor(void) {
  TF_DataType type = (TF_DataType)read_integer();
  size_t size = size_of(type);
  int num_dims = (int)read_integer();
  int64_t *dims = allocate((size_t)num_dims, sizeof *dims);
  size_t count = 1;
  for (int i = 0; i < num_dims; i++) {
    dims[i] = read_integer();
    count *= (size_t)dims[i];
  }
  TF_Tensor *tensor = TF_AllocateTensor(type, dims, num_dims, count * size);
  char *value = TF_TensorData(tensor);
  for (size_t i = 0; i < count; i++) read_value(type, value + i * size);
  return tensor;
}

static Tensors read_tensors(TF_Graph *graph) {
  Tensors tensors = {.count = (int)read_integer()};
  size_t count = (size_t)tensors.count;
  tensors.names = allocate(count, sizeof *tensors.names);
  tensors.ports = allocate(count, sizeof *tensors.ports);
  tensors.values = allocate(count, sizeof *tensors.values);
  for (int i = 0; i < tensors.count; i++) {
    tensors.names[i] = read_text(NULL);
    char *operation = read_text(NULL);
    tensors.ports[i].oper = TF_GraphOperationByName(graph, operation);
    tensors.ports[i].index = (int)read_integer();
    if (!tensors.ports[i].oper)
      fail("%s: expected the operation %s, received a graph without it", tensors.names[i],
           operation);
    tensors.values[i] = read_tensor();
  }
  return tensors;
}

/* --- Comparing -------------------------------------------------------------------------- */

static int equal(TF_DataType type, const void *a, const void *b, float tolerance) {
  if (type == TF_FLOAT) {
    float x = *(const float *)a, y = *(const float *)b;
    return fabsf(x - y) <= tolerance * (1 + fabsf(x)); /* false for NaN */
  }
  if (type == TF_STRING) {
    size_t length = TF_StringGetSize(a);
    return TF_StringGetSize(b) == length &&
           !memcmp(TF_StringGetDataPointer(a), TF_StringGetDataPointer(b), length);
  }
  return !memcmp(a, b, size_of(type));
}

static void print_value(TF_DataType type, const void *value) {
  if (type == TF_FLOAT)
    printf("%.9g", (double)*(const float *)value);
  else if (type == TF_INT32)
    printf("%" PRId32, *(const int32_t *)value);
  else if (type == TF_INT64)
    printf("%" PRId64, *(const int64_t *)value);
  else
    printf("\"%.*s\"", (int)TF_StringGetSize(value), TF_StringGetDataPointer(value));
}

static void print_shape(const TF_Tensor *tensor) {
  printf("shape [");
  for (int i = 0; i < TF_NumDims(tensor); i++)
    printf(i ? ", %" PRId64 : "%" PRId64, TF_Dim(tensor, i));
  printf("]");
}

/* Prints where in a tensor its n-th value is, such as [0, 2]. */
static void print_place(const TF_Tensor *tensor, int64_t n) {
  int64_t below = TF_TensorElementCount(tensor);
  for (int i = 0; i < TF_NumDims(tensor); i++) {
    below /= TF_Dim(tensor, i);
    printf(i ? ", %" PRId64 : "[%" PRId64, n / below);
    n %= below;
  }
  if (TF_NumDims(tensor)) printf("]");
}

/* Nested lists, from which the expected shape was taken, end at the first dimension of 0:
   what would follow is not compared. */
static int same_shape(const TF_Tensor *expected, const TF_Tensor *received) {
  int num_dims = TF_NumDims(expected);
  if (TF_NumDims(received) < num_dims) return 0;
  for (int i = 0; i < num_dims; i++)
    if (TF_Dim(expected, i) != TF_Dim(received, i)) return 0;
  return TF_NumDims(received) == num_dims || TF_TensorElementCount(expected) == 0;
}

static void compare(const char *signature, const char *name, const TF_Tensor *expected,
                    const TF_Tensor *received, float tolerance) {
  TF_DataType type = TF_TensorType(expected);
  if (TF_TensorType(received) != type)
    fail("%s: %s: expected TF_DataType %d, received %d", signature, name, type,
         TF_TensorType(received));
  if (!same_shape(expected, received)) {
    printf("%s: %s: expected ", signature, name);
    print_shape(expected);
    printf(", received ");
    print_shape(received);
    exit(1);
  }
  const char *a = TF_TensorData(expected), *b = TF_TensorData(received);
  for (int64_t i = 0; i < TF_TensorElementCount(expected); i++) {
    size_t offset = (size_t)i * size_of(type);
    if (equal(type, a + offset, b + offset, tolerance)) continue;
    printf("%s: %s", signature, name);
    print_place(expected, i);
    printf(": expected ");
    print_value(type, a + offset);
    printf(", received ");
    print_value(type, b + offset);
    exit(1);
  }
}

/* --- The program ------------------------------------------------------------------------ */

static void run_case(TF_Session *session, TF_Graph *graph, const char *signature,
                     float tolerance) {
  Tensors inputs = read_tensors(graph);
  Tensors outputs = read_tensors(graph);
  TF_Tensor **received = allocate((size_t)outputs.count, sizeof *received);
  TF_Status *status = TF_NewStatus();
  TF_SessionRun(session, NULL, inputs.ports, inputs.values, inputs.count, outputs.ports,
                received, outputs.count, NULL, 0, NULL, status);
  require_ok(status, signature);
  for (int i = 0; i < outputs.count; i++)
    compare(signature, outputs.names[i], outputs.values[i], received[i], tolerance);
}

int main(int argc, char **argv) {
  if (argc < 3)
    fail("usage: c_runtime MODEL_DIR TOLERANCE LIBRARY... < cases (TensorFlow %s)\n",
         TF_Version());
  float tolerance = strtof(argv[2], NULL);
  disable_xla_compilation();
  TF_Status *status = TF_NewStatus();
  for (int i = 3; i < argc; i++) {
    TF_LoadLibrary(argv[i], status);
    require_ok(status, argv[i]);
  }
  const char *tags[] = {"serve"};
  TF_Graph *graph = TF_NewGraph();
  TF_Session *session = TF_LoadSessionFromSavedModel(TF_NewSessionOptions(), NULL, argv[1],
                                                     tags, 1, graph, NULL, status);
  require_ok(status, "loading");
  for (int64_t left = read_integer(); left > 0; left--)
    run_case(session, graph, read_text(NULL), tolerance);
  return 0;
}
