// One OASIS KMIP test case (XML): its messages, what stands in them for the run to fill in, and whether a
// response is what the case expects. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace tapewarden::conformance {

// Where the cases lie: TAPEWARDEN_VECTORS, or ../shared/kmip-vectors beside the sources.
std::filesystem::path vectors();

struct Exchange {
  std::string request;   // XML
  std::string response;  // expected
};

struct Case {
  std::string name;
  std::vector<Exchange> exchanges;
};

Result<Case> read_case(const std::filesystem::path& path);

// What the placeholders of one run mean: "$UNIQUE_IDENTIFIER_0" and the like, learnt from the responses.
class Placeholders {
 public:
  explicit Placeholders(std::int64_t now) : now_(now) {}

  // The XML with every placeholder that is known in its place. kNotFound: one that no response gave.
  Result<std::string> filled_in(const std::string& xml) const;
  // Empty: the response is what was expected; placeholders are learnt from it. Else what differs, the first
  // thing of it. Attributes, batch items' fields and lists may come in another order and with more besides
  // (KMIP Profiles 1.4 section 4.7, 2.1 section 4.7, permitted variations); times, digests, identifiers, key
  // material that the server drew and texts of messages are compared by their type alone.
  std::string compare(const std::string& expected, const std::string& got);

 private:
  std::int64_t now_;
  std::map<std::string, std::string> known_;
};

}  // namespace tapewarden::conformance
