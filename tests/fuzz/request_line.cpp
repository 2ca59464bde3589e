// A line of the line protocol: whatever it holds, its answer is one line of JSON; what was understood, written again,
// is understood the same.
#include "extproc/messages.hpp"
#include "input.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

namespace {

bool is_line_of_json(std::string_view answer) {
  return answer.find('\n') == answer.size() - 1 && nlohmann::json::accept(answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = fuzz::text(data, size);
  auto request = extproc::parse_request(line);
  if (!request) {
    SCABBARD_FUZZ_CHECK(fuzz::is_one_line(request.error().reason));
    const Error error = {.message = request.error().reason, .request_id = {}};
    SCABBARD_FUZZ_CHECK(is_line_of_json(extproc::answer(request.error().id.value_or(0), error)));
    return 0;
  }
  SCABBARD_FUZZ_CHECK(is_line_of_json(extproc::answer(request->id, request->task)));
  const nlohmann::json written = {{"id", request->id}, {"task", request->task}};
  auto again = extproc::parse_request(written.dump());
  SCABBARD_FUZZ_CHECK(again && again->id == request->id && again->task == request->task);
  return 0;
}
