#include "engine/report/bulk_answers.h"

#include <memory>

#include "engine/report/report_stream.h"

namespace tapewarden::engine {

bool BulkAnswers::is_request(std::string_view text) const {
  return is_bulk_request(text);
}

VolumeAnswers::Pieces BulkAnswers::answer(std::string_view text) {
  const auto now = clock_.wall_now();
  const auto request = parse_bulk_request(text, now);
  if (!request)
    return
        [error = request.error()]() -> Result<std::optional<std::string>> { return std::unexpected(error); };
  return
      [stream = std::make_shared<ReportStream>(catalogue_, &book_, *request, now)] { return stream->next(); };
}

}  // namespace tapewarden::engine
