// Bodies of REST requests. Whatever a body is, no secret of it reaches the general parser: a body that the
// strict parser accepts gives the same secret either way, and none of it is left in the buffer.
#include <boost/json.hpp>

#include "admin/http/body.h"
#include "admin/http/secret_fields.h"
#include "base/assert.h"
#include "fuzz.h"

namespace {

using namespace tapewarden;
namespace json = boost::json;

const std::vector<admin::FieldSpec> kFields{
    {.name = "name", .limit = 32},
    {.name = "count", .type = admin::FieldType::kInteger},
    {.name = "loud", .type = admin::FieldType::kFlag},
    {.name = "words", .type = admin::FieldType::kTextList},
    {.name = "file", .type = admin::FieldType::kFile},
    {.name = "password", .type = admin::FieldType::kSecret, .limit = 1U << 20},
};

// The one member of that name, when the body is a good object and names it once and without escapes.
std::optional<std::string> expected_secret(ByteView body) {
  json::error_code error;
  const json::value value = json::parse(as_text(body), error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* member = object != nullptr ? object->if_contains("password") : nullptr;
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return std::string(member->get_string());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto expected = expected_secret(input);

  Bytes body = to_bytes(input);
  const std::string_view names[] = {"password"};
  const auto secrets = admin::take_secret_fields(body, names);
  TW_ASSERT(body.size() == input.size());
  if (secrets && secrets->contains("password")) {
    // What is left parses as before, and holds blanks where the secret stood.
    const auto left = expected_secret(body);
    if (expected) {
      TW_ASSERT(as_text(secrets->find("password")->second.reveal()) == *expected);
      TW_ASSERT(left && left->find_first_not_of(' ') == std::string::npos);
    }
  } else if (secrets) {
    TW_ASSERT(equal(body, input));
  }

  Bytes again = to_bytes(input);
  admin::Arguments arguments;
  const auto read = admin::read_body(again, kFields, arguments);
  if (read && expected && arguments.has("password")) {
    TW_ASSERT(as_text(arguments.secret("password").reveal()) == *expected);
  }
  return 0;
}
