#include "keymgr/alias_range.h"

#include "base/text.h"
#include "eedk/data_key_identifier.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::size_t kShownCharacters = 64;
constexpr std::string_view kForm =
    "write three letters, up to 18 hexadecimal digits, a hyphen and the last digits of the last alias: "
    "ABC000000000000000001-0F";

}  // namespace

Result<std::vector<std::string>> aliases_of_range(std::string_view text, std::string_view field) {
  auto aliases = eedk::expand_alias_range(trim(text));
  if (!aliases) {
    Error error = aliases.error();
    error.field = field;
    if (error.remedy.empty()) error.remedy = kForm;
    return std::unexpected(std::move(error));
  }
  // What was taken for one alias has its hyphen still.
  if (aliases->front().find('-') == std::string::npos) return aliases;
  return fail(ErrorCode::kInvalidArgument,
              escape_unprintable(text.substr(0, kShownCharacters)) + " is no range of aliases",
              std::string(field), std::string(kForm));
}

}  // namespace tapewarden::keymgr
