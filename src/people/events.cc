#include "people/events.h"

#include <boost/json.hpp>

namespace tapewarden::people {
namespace {

std::string_view to_string(EventType type) {
  switch (type) {
    case EventType::kAuthentication:
      return "authentication";
    case EventType::kAuthorization:
      return "authorization";
    case EventType::kManagement:
      return "configuration_management";
  }
  return "runtime";
}

}  // namespace

std::string to_record(const Event& event, WallTime now) {
  boost::json::object record;
  record["time"] = format_utc(now);
  record["type"] = to_string(event.type);
  record["action"] = event.action;
  record["outcome"] = event.success ? "success" : "failure";
  record["actor"] = event.actor.name;
  record["role"] = people::to_string(event.actor.role);
  record["method"] = people::to_string(event.actor.method);
  record["source"] = event.actor.source;
  for (const auto& [name, value] : event.fields) record[name] = value;
  return boost::json::serialize(record);
}

}  // namespace tapewarden::people
