#include "harness/audit_watch.h"

#include <algorithm>

namespace tapewarden::testing {

Result<AuditWatch> AuditWatch::begin(RestClient& rest) {
  AuditWatch watch(rest);
  TRY(watch.fresh());
  return watch;
}

Result<std::vector<std::string>> AuditWatch::fresh() {
  const auto answer = TRY(rest_->get("/v1/audit?limit=1000&after_line=" + std::to_string(line_)));
  std::vector<std::string> out;
  for (const auto& item : answer.at("items").as_array()) {
    line_ = std::max(line_, item.at("line").to_number<std::int64_t>());
    out.push_back(json::serialize(item));
  }
  return out;
}

Result<bool> AuditWatch::saw(const std::vector<std::string>& texts) {
  last_seen_ = TRY(fresh());
  return std::ranges::any_of(last_seen_, [&](const std::string& record) {
    return std::ranges::all_of(
        texts, [&](const std::string& text) { return record.find(text) != std::string::npos; });
  });
}

}  // namespace tapewarden::testing
