// `tapewarden catalogue rebuild` (feature row T12): the tape engine's lost catalogue put together again from
// the cartridges behind it. For an engine that does not run; one thread.
//
// Invariants
//  1. Until every cartridge was read, and the operator's options allow what was found, nothing changes but
//     the folder DATA/rebuild.
//  2. A catalogue that is there is renamed, never deleted nor written to.
//  3. What was found on cartridges stays in DATA/rebuild until the new catalogue is in its place, so that a
//     rebuild that ended early goes on behind it.
//  4. No cartridge is examined, and nothing put in place, that the engine's audit record does not tell: of
//     each rebuild that it began ("catalogue.rebuild-begin"), and what it found or why it ended
//     ("catalogue.rebuild").
//  5. A cache's folder that bears an id and has files in it is not made the new catalogue's: the engine does
//     not start, and so removes no file of it, before an operator gave them up.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/rebuilt_inventory.h"
#include "apps/taped_config.h"
#include "engine/rebuild/rebuild.h"

namespace tapewarden::apps {

struct CatalogueRebuildOptions {
  std::optional<Uuid> engine{};  // nothing: that of engine-id, or the only one that cartridges name
  bool set_aside = false;        // a catalogue that is there
  bool incomplete = false;       // put in place though cartridges could not be read
};

struct RebuiltCatalogue {
  Uuid engine;
  engine::RebuildReport report;
  bool in_place = false;  // no: cartridges could not be read, and the options do not say that it may be
  SettledInventory library;
  std::string aside;                 // folder of the catalogue that was there; empty: there was none
  std::size_t lost_cache_files = 0;  // in the cache's folder, whose keys were in the lost catalogue
};

// A line for people about what is done now, from several threads at once.
using TellProgress = std::function<void(const std::string& line)>;

// Errors name what to mend: kConflict while the engine runs, when a catalogue is there and is not to be set
// aside, and when it is not known whose it is to be; kUnavailable when no key server or a library does not
// answer; kNotFound when no cartridge of the engine could be read; errors of drives, disk, configuration and
// the audit record.
Result<RebuiltCatalogue> rebuild_catalogue(Env env, const TapedConfig& config,
                                           const CatalogueRebuildOptions& options, const TellProgress& tell);

// For people: what is back, what is lost, what cannot be known. Pure.
std::string text_of(const RebuiltCatalogue& rebuilt);
// The same as one JSON object in a line (docs/operating/catalogue.md). Pure.
std::string json_of(const RebuiltCatalogue& rebuilt);
// The same in numbers, for the audit record: which engine, whether it is in place, how much of each kind was
// found. Pure.
std::vector<std::pair<std::string_view, std::string>> audit_fields(const RebuiltCatalogue& rebuilt);
// Whether something is lost or damaged: exit status 6. Pure.
bool found_damage(const RebuiltCatalogue& rebuilt);

}  // namespace tapewarden::apps
