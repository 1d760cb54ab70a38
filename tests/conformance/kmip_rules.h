// Messages as XML, and the fixture that asks a key server with them: what tests of a KMIP server share.
#pragma once

#include <gtest/gtest.h>
#include <pugixml.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/concat.h"
#include "kmip_server.h"

namespace tapewarden::conformance {
inline std::string field(std::string_view name, std::string_view type, std::string_view value) {
  return concat("<", name, " type=\"", type, "\" value=\"", value, "\"/>");
}
inline std::string text(std::string_view name, std::string_view value) {
  return field(name, "TextString", value);
}
inline std::string number(std::string_view name, std::int64_t value) {
  return field(name, "Integer", std::to_string(value));
}
inline std::string bytes(std::string_view name, std::string_view value) {
  return field(name, "ByteString", value);
}
inline std::string enumeration(std::string_view name, std::string_view value) {
  return field(name, "Enumeration", value);
}
inline std::string boolean(std::string_view name, bool value) {
  return field(name, "Boolean", value ? "true" : "false");
}
inline std::string structure(std::string_view name, std::string_view inner) {
  return concat("<", name, ">", inner, "</", name, ">");
}

inline std::string item(std::string_view operation, std::string_view payload, std::string_view id = "01") {
  return structure("BatchItem", concat(enumeration("Operation", operation), bytes("UniqueBatchItemID", id),
                                       structure("RequestPayload", payload)));
}

inline std::string message(const std::vector<std::string>& items, std::string_view header = {}, int major = 2,
                           int minor = 1) {
  std::string all;
  for (const auto& one : items) all += one;
  const auto version = structure(
      "ProtocolVersion", number("ProtocolVersionMajor", major) + number("ProtocolVersionMinor", minor));
  return structure(
      "RequestMessage",
      structure("RequestHeader", concat(version, header, number("BatchCount", std::ssize(items)))) + all);
}

// The answer, item by item.
class Answer {
 public:
  explicit Answer(const std::string& xml) : text_(xml) { document_.load_string(xml.c_str()); }

  std::size_t size() const {
    std::size_t out = 0;
    for ([[maybe_unused]] const auto& child : document_.document_element().children("BatchItem")) ++out;
    return out;
  }
  // "Success", or the reason.
  std::string outcome(std::size_t place = 0) const {
    const auto status = std::string(at(place).child("ResultStatus").attribute("value").as_string());
    return status == "OperationFailed" ? at(place).child("ResultReason").attribute("value").as_string()
                                       : status;
  }
  std::string value(std::string_view name, std::size_t place = 0) const {
    const auto found = at(place).find_node([&](const pugi::xml_node& node) { return node.name() == name; });
    return found.attribute("value").as_string();
  }
  bool has(std::string_view name, std::size_t place = 0) const {
    return !at(place).find_node([&](const pugi::xml_node& node) { return node.name() == name; }).empty();
  }
  std::string xml(std::string_view name, std::size_t place = 0) const {
    const auto found = at(place).find_node([&](const pugi::xml_node& node) { return node.name() == name; });
    std::ostringstream out;
    found.print(out, "", pugi::format_raw);
    return out.str();
  }
  const std::string& text() const { return text_; }

 private:
  pugi::xml_node at(std::size_t place) const {
    for (const auto& child : document_.document_element().children("BatchItem")) {
      if (place-- == 0) return child;
    }
    return {};
  }
  std::string text_;
  pugi::xml_document document_;
};

inline std::string named(std::string_view id) {
  return text("UniqueIdentifier", id);
}
inline std::string name_attribute(std::string_view name) {
  return structure("Name", text("NameValue", name) + enumeration("NameType", "UninterpretedTextString"));
}

class KmipRules : public ::testing::Test {
 protected:
  Answer ask(const std::vector<std::string>& items, std::string_view header = {}, int major = 2,
             int minor = 1) {
    return Answer(server_.ask_xml(message(items, header, major, minor)));
  }
  Answer ask(const std::string& one) { return ask(std::vector{one}); }

  static std::string create_item(int bits, std::string_view usage, std::string_view more = {}) {
    return item("Create",
                enumeration("ObjectType", "SymmetricKey") +
                    structure("Attributes", concat(enumeration("CryptographicAlgorithm", "AES"),
                                                   number("CryptographicLength", bits),
                                                   field("CryptographicUsageMask", "Integer", usage), more)));
  }
  std::string create(int bits, std::string_view usage, std::string_view more = {}) {
    const auto answer = ask(create_item(bits, usage, more));
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    return answer.value("UniqueIdentifier");
  }
  static std::string active() { return field("ActivationDate", "DateTime", "2001-01-01T00:00:00+00:00"); }
  static std::string register_item(std::string_view key, std::string_view usage, std::string_view more = {}) {
    const auto block = structure("KeyBlock", concat(enumeration("KeyFormatType", "Raw"),
                                                    structure("KeyValue", bytes("KeyMaterial", key)),
                                                    enumeration("CryptographicAlgorithm", "AES"),
                                                    number("CryptographicLength", std::ssize(key) * 4)));
    return item("Register", concat(enumeration("ObjectType", "SymmetricKey"),
                                   structure("Attributes", field("CryptographicUsageMask", "Integer", usage) +
                                                               std::string(more)),
                                   structure("SymmetricKey", block)));
  }
  std::string register_key(std::string_view key, std::string_view usage, std::string_view more = {}) {
    const auto answer = ask(register_item(key, usage, more));
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    return answer.value("UniqueIdentifier");
  }
  std::size_t located(std::string_view attributes) {
    const auto answer = ask(item("Locate", structure("Attributes", attributes)));
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    std::size_t out = 0;
    for (auto at = answer.text().find("<UniqueIdentifier"); at != std::string::npos;
         at = answer.text().find("<UniqueIdentifier", at + 1)) {
      ++out;
    }
    return out;
  }

  KmipServer server_;
};

inline constexpr std::string_view kKek = "000102030405060708090a0b0c0d0e0f";
inline constexpr std::string_view kKey = "00112233445566778899aabbccddeeff";

}  // namespace tapewarden::conformance
