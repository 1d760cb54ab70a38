// The REST interface of the tape engine (U3): what an operator does at the panel of a tape library, while
// hosts use it. Handlers hold no state. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/http/route.h"
#include "admin/http/router.h"
#include "admin/taped/unit_meter.h"
#include "engine/operator/migration_plan.h"
#include "engine/operator/parts.h"
#include "engine/operator/recall_orders.h"
#include "engine/physical/mount_trace.h"
#include "engine/report/statistics_book.h"
#include "iscsi/server.h"
#include "people/events.h"
#include "people/people.h"
#include "tape/library/library.h"

namespace tapewarden::admin {

// A logical unit as hosts see it.
struct ServedUnit {
  std::string target;
  std::uint16_t lun = 0;
  std::string what;  // "changer", "drive 1000000001", "RAM disk"
  std::shared_ptr<const UnitMeter> meter;
};

struct KeyServerView {
  std::string role;  // "primary", "secondary"
  std::string address;
  std::string connection;  // "up", "down", "connecting"
  std::string state;       // what the server last said of itself
  std::string problem;     // empty: none
};

// A mount of a cartridge behind the engine that is remembered.
struct MountRecord {
  std::string cartridge;
  std::string drive;    // serial
  std::string purpose;  // "append", "read", …
  std::string fault;    // empty: it went well
  std::vector<engine::TraceStep> steps;
};

// A drive behind the engine.
struct PhysicalDriveView {
  std::string serial;
  std::string library;
  std::string kind;        // "LTO", "3592"
  std::string product;     // as it names itself; empty: it never answered
  std::string state;       // "idle", "at work", "mounted", "offline"
  std::string cartridge;   // barcode
  std::string encryption;  // that the engine can have it do: "clear", "wrapped", "identified"
  std::string reason;      // why it is offline
};

struct CacheView {
  std::uint64_t limit_bytes = 0;
  std::uint64_t used_bytes = 0;                    // by files
  std::uint64_t promised_bytes = 0;                // to what comes and grows
  std::uint64_t free_bytes = 0;                    // neither used nor promised, by limit and disk
  std::optional<std::uint64_t> disk_free_bytes{};  // of the disk that the cache is on, whoever uses it
};

// The engine behind the cache, for the routes of its pools, constructs, volumes and cartridges.
struct EngineServices {
  engine::OperatorParts parts;
  engine::RecallOrders& recalls;
  // Of a logical volume or a cartridge, the newest mount first.
  std::function<std::vector<MountRecord>(const std::string& name)> traces = {};
  const engine::StatisticsBook* statistics = nullptr;  // outlives the routes
  std::function<bool()> reclaim_inhibited = {};        // by its schedule, now
  // Drives behind the engine. kNotFound; kConflict: the drive is at work.
  std::function<std::vector<PhysicalDriveView>()> drives = {};
  std::function<Status(const std::string& serial, const std::string& reason)> take_offline = {};
  std::function<Status(const std::string& serial)> bring_online = {};
  std::function<CacheView()> cache = {};
  // Why a logical volume that is wanted waits for room in the cache; empty: it does not.
  std::function<std::string(const std::string& volser)> waits_for_room = {};
  std::function<engine::TransferRates()> rates = {};  // of the drives; what is not known is assumed
  std::function<Status()> back_up_catalogue = {};     // onto a cartridge, as soon as a drive is free
};

// What the routes work on. All borrowed; they outlive the router.
struct TapedServices {
  Env env;
  people::People& people;
  tape::Library& library;
  std::string library_serial;
  std::vector<ServedUnit> units;
  std::function<std::vector<iscsi::SessionInfo>()> sessions;
  // Empty where the engine has none: every drive is application-managed.
  std::function<std::vector<KeyServerView>()> key_servers = {};
  // Makes the record of a change durable. Asked beforehand by `ready` whether it can.
  std::function<Status(const people::Event&)> record;
  std::function<bool()> ready;
  std::function<std::vector<std::string>()> warnings = {};  // what else an operator must be told
  std::string version;
  // Nothing where [engine] is not configured: its routes say so.
  std::shared_ptr<const EngineServices> engine = {};
};

// Everything, /v1/session, /v1/people, /v1/health and /v1/openapi.json included.
void add_taped_routes(Router& router, const TapedServices& services);

// One noun each.
std::vector<Route> engine_routes(const TapedServices& services);      // status, sessions, key servers
std::vector<Route> library_routes(const TapedServices& services);     // the library and its cartridges
std::vector<Route> tape_drive_routes(const TapedServices& services);  // drives in their bays
std::vector<Route> pool_routes(const TapedServices& services);        // pools, and what was written how
std::vector<Route> pool_migration_routes(const TapedServices& services);
std::vector<Route> catalogue_routes(const TapedServices& services);  // its backup
std::vector<Route> rekey_routes(const TapedServices& services);      // other KEKs for a pool's cartridges
std::vector<Route> construct_routes(const TapedServices& services);  // storage groups, management classes
std::vector<Route> volume_routes(const TapedServices& services);     // logical volumes
std::vector<Route> physical_volume_routes(const TapedServices& services);
std::vector<Route> physical_drive_routes(const TapedServices& services);  // and the cache
std::vector<Route> notice_routes(const TapedServices& services);  // interventions, host messages, traces
std::vector<Route> report_routes(const TapedServices& services);
std::vector<Route> statistics_routes(const TapedServices& services);

}  // namespace tapewarden::admin
