// A request that a host wrote on a volume, or a record of statistics as it might stand in a database.
#include "engine/report/bulk_request.h"
#include "engine/report/statistics.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapewarden;
  using namespace tapewarden::engine;
  if (size == 0) return 0;
  const auto text = as_text(ByteView(data, size).subspan(1));
  if (data[0] % 2 == 0) {
    const auto request = parse_bulk_request(text, from_millis(1'790'000'000'000));
    if (!request) return 0;
    TW_ASSERT(is_bulk_request(text));
    TW_ASSERT(request->from <= request->before);
  } else {
    const auto statistics = from_record({from_millis(0), std::string(text)});
    if (statistics) TW_ASSERT(from_record(to_record(*statistics)) == *statistics);
  }
  return 0;
}
