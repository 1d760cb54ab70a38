// What the route files of the engine share. Included by .cc files only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "admin/http/json_answer.h"
#include "admin/taped/taped_routes.h"

namespace tapewarden::admin {

namespace json = boost::json;
using people::Permission;

using ChangeFields = std::vector<std::pair<std::string_view, std::string>>;

// An operator's change: refused while it could not be recorded, recorded when it was done. `action`:
// NOUN.VERB.
Result<Answer> change(const TapedServices& services, const Request& request, std::string_view action,
                      ChangeFields fields, const std::function<Result<json::object>()>& work);

// slot:1, port:2 (an import/export slot), drive:SERIAL; or as Place::text() has it, with a blank.
// kInvalidArgument naming `field`.
Result<tape::Place> parse_place(std::string_view text, std::string_view field);
// The field as a place; nothing without it.
Result<std::optional<tape::Place>> place_of(const Request& request, std::string_view field);
// Who has the session; empty when it is none of the living.
std::string initiator_of(const std::vector<iscsi::SessionInfo>& sessions, scsi::NexusId nexus);

// tape_drive_routes.cc: the drives in order, as a list of theirs shows them.
json::array drives_json(const TapedServices& services);

}  // namespace tapewarden::admin
