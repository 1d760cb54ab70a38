#include "admin/taped/support.h"

#include <algorithm>

#include "base/text.h"
#include "tape/library/limits.h"

namespace tapewarden::admin {
namespace {

constexpr std::string_view kSlot = "slot";
constexpr std::string_view kLongPort = "import/export slot";
constexpr std::string_view kPort = "port";
constexpr std::string_view kDrive = "drive";

}  // namespace

Result<Answer> change(const TapedServices& services, const Request& request, std::string_view action,
                      ChangeFields fields, const std::function<Result<json::object>()>& work) {
  if (!services.ready()) {
    return fail(ErrorCode::kUnavailable, "what operators do cannot be recorded", "audit",
                "see the log of tapewarden-taped: the audit record takes nothing");
  }
  auto done = TRY(work());
  TRY(services.record({.type = people::EventType::kManagement,
                       .action = action,
                       .actor = request.principal,
                       .success = true,
                       .fields = std::move(fields)}));
  return json_answer(std::move(done));
}

Result<tape::Place> parse_place(std::string_view text, std::string_view field) {
  const auto wrong = [field] {
    return fail(ErrorCode::kInvalidArgument, "this is no place in a library", std::string(field),
                "write slot:1, port:1 (an import/export slot) or drive:SERIAL");
  };
  const std::string lower = to_lower(text);
  const auto end = lower.find_last_of(" :");
  if (end == std::string::npos) return wrong();
  const auto kind = trim(std::string_view(lower).substr(0, end));
  const auto which = trim(text.substr(end + 1));
  if (kind == kDrive && !which.empty()) return tape::drive_place(to_upper(which));
  const bool slot = kind == kSlot;
  if (!slot && kind != kPort && kind != kLongPort) return wrong();
  const auto number = parse_number(which, 1, tape::kMaxSlots, field);
  if (!number) return wrong();
  const auto index = static_cast<std::uint32_t>(*number - 1);
  return slot ? tape::slot_place(index) : tape::port_place(index);
}

Result<std::optional<tape::Place>> place_of(const Request& request, std::string_view field) {
  const auto text = request.arguments.optional_text(field);
  if (!text) return std::nullopt;
  return TRY(parse_place(*text, field));
}

std::string initiator_of(const std::vector<iscsi::SessionInfo>& sessions, scsi::NexusId nexus) {
  const auto found = std::ranges::find(sessions, nexus, &iscsi::SessionInfo::nexus);
  return found == sessions.end() ? std::string() : found->initiator;
}

}  // namespace tapewarden::admin
