#include "oasis_case.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/concat.h"
#include "kmip/encoding/scalar_text.h"

namespace tapewarden::conformance {
namespace {

using pugi::xml_node;

std::string text_of(const xml_node& node) {
  std::ostringstream out;
  node.print(out, "", pugi::format_raw);
  return out.str();
}

std::string path_of(const std::string& above, const xml_node& node) {
  return above + "/" + node.name();
}

std::vector<xml_node> elements(const xml_node& node) {
  std::vector<xml_node> out;
  for (const auto& child : node.children()) {
    if (child.type() == pugi::node_element) out.push_back(child);
  }
  return out;
}

// What a server says in words or draws itself.
bool is_its_own(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "TimeStamp", "ResultMessage", "ServerCorrelationValue", "VendorIdentification", "DigestValue",
      "LeaseTime", "RNGAlgorithm",  "ShortUniqueIdentifier",  "DRBGAlgorithm",
  };
  return std::ranges::find(kNames, name) != std::end(kNames);
}

// Whole structures that a server fills in as it likes.
bool may_be_anything(std::string_view name) {
  return name == "ServerInformation" || name == "RandomNumberGenerator";
}

std::string named_attribute(const xml_node& node) {
  const std::string_view name = node.name();
  if (name != "Attribute" && name != "AttributeReference") return {};
  return node.child("AttributeName").attribute("value").as_string();
}

// Whether the key material in it was drawn by the server: what the cases write there means nothing.
bool is_drawn_key(const xml_node& node) {
  const std::string_view value = node.attribute("value").as_string();
  if (std::string_view(node.name()) != "KeyMaterial" || value.size() < 4) return false;
  for (std::size_t i = 2; i < value.size(); i += 2) {
    if (value.substr(i, 2) != value.substr(0, 2)) return false;
  }
  return true;
}

}  // namespace

std::filesystem::path vectors() {
  const char* given = std::getenv("TAPEWARDEN_VECTORS");
  return given != nullptr ? std::filesystem::path(given)
                          : std::filesystem::path(TAPEWARDEN_SOURCE_ROOT) / ".." / "shared" / "kmip-vectors";
}

Result<Case> read_case(const std::filesystem::path& path) {
  pugi::xml_document file;
  if (!file.load_file(path.c_str())) {
    return fail(ErrorCode::kInvalidArgument, "no XML: " + path.string(), path.string());
  }
  Case out{path.stem().string(), {}};
  for (const auto& message : elements(file.document_element())) {
    const std::string_view name = message.name();
    if (name == "RequestMessage") out.exchanges.push_back({text_of(message), {}});
    if (name == "ResponseMessage" && !out.exchanges.empty()) {
      out.exchanges.back().response = text_of(message);
    }
  }
  return out;
}

namespace {

bool is_bytes(const xml_node& node) {
  return std::string_view(node.attribute("type").as_string()) == "ByteString";
}

// Everything that a message says in byte strings.
void add_byte_strings(const xml_node& node, std::set<std::string>& into) {
  if (is_bytes(node)) into.insert(node.attribute("value").as_string());
  for (const auto& child : node.children()) add_byte_strings(child, into);
}

void remember_values(const xml_node& node, std::map<std::string, std::string>& latest) {
  if (is_bytes(node)) latest[node.name()] = node.attribute("value").as_string();
  for (const auto& child : node.children()) remember_values(child, latest);
}

}  // namespace

void Placeholders::begin(const Case& what) {
  const auto has = [&](std::string_view mark) {
    return std::ranges::any_of(what.exchanges, [&](const Exchange& exchange) {
      return exchange.request.find(mark) != std::string::npos;
    });
  };
  const auto operation = [&](std::string_view name) {
    return has(concat("<Operation type=\"Enumeration\" value=\"", name, "\""));
  };
  const bool public_encryption = operation("Encrypt") && has("<PublicKey>");
  const bool drawn_iv = has("<RandomIV type=\"Boolean\" value=\"true\"");
  drawn_ = drawn_iv || operation("Create") || operation("CreateKeyPair") || operation("RNGRetrieve") ||
           public_encryption;
  given_.clear();
  literals_.clear();
}

Result<std::string> Placeholders::value_for(const xml_node& node) const {
  const std::string name = node.attribute("value").as_string();
  if (name.starts_with("$NOW")) {
    const auto offset = name.size() > 4 ? std::stoll(name.substr(4)) : 0;
    return kmip::encoding::date_text(now_ + offset);
  }
  if (const auto found = known_.find(name); found != known_.end()) return found->second;
  if (const auto found = literals_.find(name); found != literals_.end()) return found->second;
  if (!name.starts_with("$")) return name;
  // The cases name some values only where they are used ("$MAC_DATA"): it is what came last under that name.
  if (const auto found = latest_.find(node.name()); found != latest_.end()) return found->second;
  return fail(ErrorCode::kNotFound, "no response gave " + name, name);
}

Status Placeholders::fill_in(const xml_node& node) const {
  if (auto value = node.attribute("value")) value.set_value(TRY(value_for(node)).c_str());
  for (const auto& child : node.children()) TRY(fill_in(child));
  return {};
}

Result<std::string> Placeholders::filled_in(const std::string& xml) {
  pugi::xml_document document;
  if (!document.load_string(xml.c_str())) return fail(ErrorCode::kInvalidArgument, "no XML");
  add_byte_strings(document.document_element(), given_);
  TRY(fill_in(document.document_element()));
  return text_of(document.document_element());
}

namespace {

class Comparison {
 public:
  // `literals`: values that the server drew in the place of those in the case; nullptr: it drew none.
  Comparison(std::map<std::string, std::string>& known, std::map<std::string, std::string>* literals,
             const std::set<std::string>& given, bool operations_vary)
      : known_(known), literals_(literals), given_(given), operations_vary_(operations_vary) {}

  // Empty: `got` is what was expected.
  std::string compare(const xml_node& expected, const xml_node& got, const std::string& above) {
    const auto path = path_of(above, expected);
    if (std::string_view(expected.name()) != got.name()) return concat(path, ": got ", got.name());
    if (may_be_anything(expected.name())) return {};
    const std::string_view type = expected.attribute("type").as_string();
    if (type != got.attribute("type").as_string()) {
      return concat(path, ": of type ", got.attribute("type").as_string());
    }
    if (!type.empty()) return compare_value(expected, got, path);
    return compare_children(expected, got, path);
  }

 private:
  std::string compare_value(const xml_node& expected, const xml_node& got, const std::string& path) {
    const std::string wanted = expected.attribute("value").as_string();
    const std::string value = got.attribute("value").as_string();
    if (wanted.starts_with("$NOW") || is_its_own(expected.name()) || is_drawn_key(expected)) return {};
    if (literals_ != nullptr && is_bytes(expected) && !wanted.starts_with("$") && !given_.contains(wanted)) {
      if (wanted.size() != value.size()) return concat(path, ": of another length");
      const auto [entry, added] = literals_->emplace(wanted, value);
      return added || entry->second == value ? "" : concat(path, ": ", value, " is another than before");
    }
    if (wanted.starts_with("$")) {
      const auto [entry, added] = known_.emplace(wanted, value);
      return added || entry->second == value ? "" : concat(path, ": ", value, " is another object");
    }
    if (std::string_view(expected.attribute("type").as_string()) == "DateTime") return {};
    return same_words(wanted, value) ? "" : concat(path, ": ", value, " instead of ", wanted);
  }

  // Masks in any order.
  static bool same_words(const std::string& a, const std::string& b) {
    if (a == b) return true;
    const auto sorted = [](const std::string& text) {
      std::istringstream in(text);
      std::vector<std::string> words;
      for (std::string word; in >> word;) words.push_back(word);
      std::ranges::sort(words);
      return words;
    };
    return a.find(' ') != std::string::npos && sorted(a) == sorted(b);
  }

  // Each expected child has its own among those got; what is got besides is of no matter, unless it is
  // another batch item or an object that was not expected.
  std::string compare_children(const xml_node& expected, const xml_node& got, const std::string& path) {
    auto left = elements(got);
    for (const auto& child : elements(expected)) {
      std::string first_difference;
      auto found = left.end();
      for (auto i = left.begin(); i != left.end() && found == left.end(); ++i) {
        if (std::string_view(i->name()) != child.name()) continue;
        if (named_attribute(*i) != named_attribute(child)) continue;
        auto known = known_;
        auto literals = literals_ != nullptr ? *literals_ : std::map<std::string, std::string>();
        const auto difference = compare(child, *i, path);
        if (difference.empty()) {
          found = i;
        } else {
          known_ = std::move(known);
          if (literals_ != nullptr) *literals_ = std::move(literals);
          if (first_difference.empty()) first_difference = difference;
        }
      }
      const bool listed = std::string_view(child.name()) == "Operation" && path.ends_with("ResponsePayload");
      if (found == left.end() && listed && operations_vary_) continue;
      if (found == left.end()) {
        if (!first_difference.empty()) return first_difference;
        const auto name = named_attribute(child);
        return concat(path, ": ", child.name(), name.empty() ? "" : " " + name, " is missing");
      }
      left.erase(found);
    }
    for (const auto& more : left) {
      const std::string_view name = more.name();
      if (name == "BatchItem" || (name == "UniqueIdentifier" && path.ends_with("ResponsePayload"))) {
        return concat(path, ": an unexpected ", name);
      }
    }
    return {};
  }

  std::map<std::string, std::string>& known_;
  std::map<std::string, std::string>* literals_;
  const std::set<std::string>& given_;
  bool operations_vary_;
};

}  // namespace

std::string Placeholders::compare(const std::string& expected, const std::string& got) {
  pugi::xml_document wanted;
  pugi::xml_document had;
  if (!wanted.load_string(expected.c_str()) || !had.load_string(got.c_str())) return "no XML";
  auto known = known_;
  auto literals = literals_;
  Comparison comparison(known, drawn_ ? &literals : nullptr, given_, operations_vary_);
  auto difference = comparison.compare(wanted.document_element(), had.document_element(), "");
  if (difference.empty()) {
    known_ = std::move(known);
    literals_ = std::move(literals);
    remember_values(had.document_element(), latest_);
  }
  return difference;
}

}  // namespace tapewarden::conformance
