#include "people/events.h"

#include "audit/record.h"

namespace tapewarden::people {
namespace {

audit::EventType type_of(EventType type) {
  switch (type) {
    case EventType::kAuthentication:
      return audit::EventType::kAuthentication;
    case EventType::kAuthorization:
      return audit::EventType::kAuthorization;
    case EventType::kManagement:
      return audit::EventType::kConfigurationManagement;
  }
  return audit::EventType::kRuntime;
}

}  // namespace

std::string to_record(const Event& event) {
  audit::Record record(type_of(event.type),
                       event.success ? audit::Outcome::kSuccess : audit::Outcome::kFailure, event.action);
  record.actor(event.actor.name)
      .set("role", to_string(event.actor.role))
      .set("method", to_string(event.actor.method))
      .set("source", event.actor.source);
  for (const auto& [name, value] : event.fields) record.set(name, value);
  return record.json();
}

}  // namespace tapewarden::people
