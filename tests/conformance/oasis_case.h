// One OASIS KMIP test case (XML): its messages, what stands in them for the run to fill in, and whether a
// response is what the case expects. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <pugixml.hpp>
#include <set>
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

  // A case begins. Where the server draws keys or random values in it, the byte strings of its responses that
  // no request gave stand for what the server answered: of the same length, the same wherever they come
  // again, and put into later requests (KMIP Profiles 2.1 section 4.2.1, "Variable Items").
  void begin(const Case& what);
  // The XML with every placeholder that is known in its place. kNotFound: one that no response gave.
  Result<std::string> filled_in(const std::string& xml);
  // From now on the operations that a Query lists may be others than the case's: its profile asks for none of
  // them but Query (KMIP Profiles 1.4 and 2.1, "Variable Items": operations reported in Query).
  void let_operations_vary() { operations_vary_ = true; }
  // Empty: the response is what was expected; placeholders are learnt from it. Else what differs, the first
  // thing of it. Attributes, batch items' fields and lists may come in another order and with more besides
  // (KMIP Profiles 1.4 section 4.7, 2.1 section 4.7, permitted variations); times, digests, identifiers, key
  // material that the server drew and texts of messages are compared by their type alone.
  std::string compare(const std::string& expected, const std::string& got);

 private:
  Result<std::string> value_for(const pugi::xml_node& node) const;
  Status fill_in(const pugi::xml_node& node) const;

  std::int64_t now_;
  std::map<std::string, std::string> known_;
  bool drawn_ = false;
  bool operations_vary_ = false;
  std::set<std::string> given_;                  // byte strings of the case's requests so far
  std::map<std::string, std::string> literals_;  // what stands for what the server drew
  std::map<std::string, std::string> latest_;    // the last byte string of each name
};

}  // namespace tapewarden::conformance
