// The end of keys by REST (K10), the same for data keys and KEKs.
#include <algorithm>

#include "admin/keyd/kek_lookup.h"
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "base/counted.h"
#include "base/text.h"
#include "keymgr/evidence/destruction_proof.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/transfers.h"

namespace tapewarden::admin {
namespace {

using keymgr::CartridgeFilter;
using keymgr::KeyManager;
using keymgr::KeyRef;
namespace sharing = keymgr::sharing;

// What differs between the two nouns.
struct Noun {
  std::string_view name;
  Permission change;
  std::string_view exposure, cartridges, compromise, quarantine, release, holds, hold, destroy, purge, proof;
  Result<KeyRef> (*find)(KeyManager&, const Request&);
};

constexpr Noun kKey{"key",
                    Permission::kChangeKeys,
                    "/v1/keys/{alias}/exposure",
                    "/v1/keys/{alias}/cartridges",
                    "/v1/keys/{alias}/compromise",
                    "/v1/keys/{alias}/quarantine",
                    "/v1/keys/{alias}/release",
                    "/v1/keys/{alias}/holds",
                    "/v1/keys/{alias}/holds/{hold}",
                    "/v1/keys/{alias}/destroy",
                    "/v1/keys/{alias}/purge",
                    "/v1/keys/{alias}/destruction-proof",
                    [](KeyManager& manager, const Request& request) {
                      return manager.key_ref(request.arguments.text("alias"));
                    }};

constexpr Noun kKek{"kek",
                    Permission::kChangeKeks,
                    "/v1/keks/{kek}/exposure",
                    "/v1/keks/{kek}/cartridges",
                    "/v1/keks/{kek}/compromise",
                    "/v1/keks/{kek}/quarantine",
                    "/v1/keks/{kek}/release",
                    "/v1/keks/{kek}/holds",
                    "/v1/keks/{kek}/holds/{hold}",
                    "/v1/keks/{kek}/destroy",
                    "/v1/keks/{kek}/purge",
                    "/v1/keks/{kek}/destruction-proof",
                    [](KeyManager& manager, const Request& request) -> Result<KeyRef> {
                      return manager.kek_ref(TRY(find_kek_id(manager, request.arguments.text("kek"))));
                    }};

json::object to_json(const keymgr::SealedBy& cartridge) {
  json::array drives;
  for (const auto& drive : cartridge.drives) drives.emplace_back(drive);
  return {{"volser", cartridge.newest.volser},
          {"volume", cartridge.newest.volume.text()},
          {"method", keymgr::to_string(cartridge.newest.method)},
          {"written", cartridge.written},
          {"first", time_text(cartridge.first)},
          {"last", time_text(cartridge.newest.issued)},
          {"drives", std::move(drives)}};
}

json::object to_json(const keymgr::Tombstone& mark) {
  return {{"kind", keymgr::to_string(mark.kind)},
          {"name", mark.name},
          {"fingerprint", to_hex(mark.fingerprint)},
          {"state", keymgr::to_string(mark.state)},
          {"at", time_text(mark.at)},
          {"by", mark.by},
          {"approved_by", mark.approved_by},
          {"cartridges", mark.cartridges},
          {"server", mark.server.text()}};
}

// The partners that a data key was sent to, or came from.
Result<std::vector<keymgr::PartnerHolding>> partners_of(KeyManager& manager, const KeyRef& key) {
  std::vector<keymgr::PartnerHolding> out;
  keymgr::KeyFingerprint fingerprint{};
  if (key.kind != keymgr::KeyKind::kDataKey || key.fingerprint.size() != fingerprint.size()) return out;
  copy_bytes(fingerprint, key.fingerprint);
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    for (const auto& transfer : TRY(sharing::transfers_of(reader, fingerprint))) {
      const bool given = transfer.direction == sharing::Direction::kGiven;
      out.push_back({transfer.partner, sharing::spoken(transfer.fingerprint), given, transfer.began});
    }
    return {};
  }));
  return out;
}

// The name, the state, what the key is now and who else has it: what the second person consents to. A key
// that came to be elsewhere since is another matter.
Result<Matter> matter_of(KeyManager& manager, const Noun& noun, const Request& request) {
  const KeyRef key = TRY(noun.find(manager, request));
  const auto needing = TRY(manager.count_sealed(key, CartridgeFilter::kNeeding));
  const std::string elsewhere = text_of(TRY(partners_of(manager, key)));
  return Matter{
      std::string(noun.name) + " " + to_hex(key.fingerprint) + (elsewhere.empty() ? "" : " ") + elsewhere,
      std::string(noun.name) + " \"" + escape_unprintable(key.name) + "\" (" + to_hex(key.fingerprint) +
          ", " + std::string(keymgr::to_string(key.state)) + "), needed by " + counted(needing, "cartridge") +
          (elsewhere.empty() ? "" : "; partners keep it: ") + escape_unprintable(elsewhere)};
}

keymgr::Destruction destruction_of(const Request& request, bool purge) {
  return {.cartridges_lost = request.arguments.integer("cartridges_lost"), .purge = purge};
}

// Nobody is asked for what cannot be done.
Result<Matter> matter_of_destroying(KeyManager& manager, const Noun& noun, const Request& request,
                                    bool purge) {
  const KeyRef key = TRY(noun.find(manager, request));
  TRY(manager.keystore().read([&](store::Reader& reader) {
    return manager.life().check_destroy(reader, key, destruction_of(request, purge));
  }));
  return matter_of(manager, noun, request);
}

Result<Matter> matter_of_hold(KeyManager& manager, const Noun& noun, const Request& request) {
  const Uuid id = TRY(hold_of(request));
  const KeyRef key = TRY(noun.find(manager, request));
  const auto holds = TRY(manager.holds_of(key));
  if (std::ranges::find(holds, id, &keymgr::KeyHold::id) == holds.end()) {
    return fail(ErrorCode::kNotFound, key.name + " has no such hold", "hold",
                "list its holds to see their ids");
  }
  return matter_of(manager, noun, request);
}

Result<Answer> cartridges(KeyManager& manager, const Noun& noun, const Request& request,
                          CartridgeFilter filter) {
  const KeyRef key = TRY(noun.find(manager, request));
  const auto page = TRY(manager.cartridges_of(key.ledger, filter, TRY(page_of(request.arguments))));
  json::array items;
  for (const auto& item : page.items) items.push_back(to_json(item));
  json::object body{{"items", std::move(items)}, {"next", page.next}};
  body["name"] = key.name;
  body["state"] = keymgr::to_string(key.state);
  body["count"] = TRY(manager.count_cartridges(key.ledger, filter));
  if (filter == CartridgeFilter::kEver) body["advice"] = keymgr::kExposureAdvice;
  return json_answer(body);
}

Result<Answer> compromise(KeyManager& manager, const Noun& noun, const Request& request) {
  const KeyRef key = TRY(noun.find(manager, request));
  (void)TRY(manager.compromise_key(actor_of(request.principal), key));
  return cartridges(manager, noun, request, CartridgeFilter::kEver);
}

Result<Answer> list_holds(KeyManager& manager, const Noun& noun, const Request& request) {
  json::array items;
  for (const auto& hold : TRY(manager.holds_of(TRY(noun.find(manager, request))))) {
    items.push_back(hold_json(hold, manager.context().now()));
  }
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<Answer> add_hold(KeyManager& manager, const Noun& noun, const Request& request) {
  const auto hold = TRY(manager.hold_key(actor_of(request.principal), TRY(noun.find(manager, request)),
                                         request.arguments.text("reason"), TRY(hold_until(request))));
  return json_answer(hold_json(hold, manager.context().now()), 201);
}

Result<Answer> remove_hold(KeyManager& manager, const Noun& noun, const Request& request) {
  TRY(manager.remove_hold(actor_of(request.principal), TRY(noun.find(manager, request)),
                          TRY(hold_of(request)), consent_of(request)));
  return empty_answer();
}

Result<Answer> destroy(KeyManager& manager, const Noun& noun, const Request& request, bool purge) {
  const auto done = TRY(manager.destroy_key(actor_of(request.principal), TRY(noun.find(manager, request)),
                                            destruction_of(request, purge), consent_of(request)));
  json::object body = to_json(done.tombstone);
  body["overwritten_in_files"] = done.scrubbed;
  return json_answer(body);
}

Result<Answer> show_after(KeyManager& manager, const Noun& noun, const Request& request,
                          Status (KeyManager::*change)(const keymgr::Actor&, const KeyRef&)) {
  TRY((manager.*change)(actor_of(request.principal), TRY(noun.find(manager, request))));
  const KeyRef key = TRY(noun.find(manager, request));
  return json_answer(json::object{{"name", key.name},
                                  {"state", keymgr::to_string(key.state)},
                                  {"quarantined", time_text(key.quarantined)}});
}

// A backup that began before the destruction was durable says a later time, and holds the key all the same.
constexpr std::chrono::seconds kBackupUnderWay{10};

// The files that were written before the key was destroyed: which rows a file holds is not known before it is
// opened. Nothing where no backups are made.
keymgr::BackupsWith backups_of(KeyManager& manager, keymgr::backup::Service* backups) {
  if (backups == nullptr) return keymgr::no_backups();
  return [&manager, backups](const KeyRef& key) -> Result<std::optional<std::vector<keymgr::BackupHolding>>> {
    const auto mark = TRY(manager.tombstone_of(key));
    std::vector<keymgr::BackupHolding> out;
    const WallTime until = (mark ? mark->at : manager.context().now()) + kBackupUnderWay;
    for (auto& file : TRY(backups->made_before(until))) {
      out.push_back({std::move(file.name), file.target + " (" + file.domain + ")", file.made});
    }
    return std::optional(std::move(out));
  };
}

void add_views(RouteTable& table, KeyManager& manager, const Noun& noun, const keymgr::BackupsWith& backups) {
  table.add("GET", noun.cartridges, Permission::kView,
            "List the cartridges in the ledger that cannot be read without it.",
            {limit_field(), after_field()}, "A page of cartridges, and how many there are.",
            [&manager, &noun](const Request& request) {
              return cartridges(manager, noun, request, CartridgeFilter::kNeeding);
            });
  table.add(
      "GET", noun.exposure, Permission::kView,
      "List all that was ever written with it, with times and drives: what whoever has a copy can read.",
      {limit_field(), after_field()}, "A page of cartridges, how many there are, and what to do.",
      [&manager, &noun](const Request& request) {
        return cartridges(manager, noun, request, CartridgeFilter::kEver);
      });
  table.add("GET", noun.holds, Permission::kView, "List its legal holds and retention dates.", {},
            "The holds.",
            [&manager, &noun](const Request& request) { return list_holds(manager, noun, request); });
  table.add(
      "GET", noun.proof, Permission::kView,
      "Prove that it is gone: a signed document with its tombstone and what older backups and partners may "
      "still hold.",
      {}, "{\"document\"}: the file's text.",
      [&manager, &noun, backups](const Request& request) -> Result<Answer> {
        const auto partners = [&manager](const KeyRef& key) { return partners_of(manager, key); };
        const auto document = TRY(keymgr::prove_destruction(
            manager, actor_of(request.principal), TRY(noun.find(manager, request)), backups, partners));
        return json_answer(json::object{{"document", document}});
      });
}

void add_changes(RouteTable& table, KeyManager& manager, const Noun& noun) {
  table.add("POST", noun.compromise, noun.change,
            "Mark it as compromised: it begins and extends nothing any more; answers what it sealed.", {},
            "As its exposure.",
            [&manager, &noun](const Request& request) { return compromise(manager, noun, request); });
  table.add("POST", noun.quarantine, noun.change, "Hide it: it is served to nobody, for reading neither.", {},
            "Name, state, since when.", [&manager, &noun](const Request& request) {
              return show_after(manager, noun, request, &KeyManager::quarantine_key);
            });
  table.add("POST", noun.release, noun.change, "Take it out of quarantine.", {}, "Name, state.",
            [&manager, &noun](const Request& request) {
              return show_after(manager, noun, request, &KeyManager::release_key);
            });
  table.add("POST", noun.holds, noun.change, "Place a legal hold, or a date before which it must be kept.",
            hold_fields(), "The hold.",
            [&manager, &noun](const Request& request) { return add_hold(manager, noun, request); });
}

void add_two_person_changes(RouteTable& table, KeyManager& manager, const Noun& noun) {
  const auto destroying = [&manager, &noun](bool purge) {
    return [&manager, &noun, purge](const Request& request) {
      return matter_of_destroying(manager, noun, request, purge);
    };
  };
  const FieldSpec lost{
      .name = "cartridges_lost",
      .type = FieldType::kInteger,
      .meaning = "how many cartridges become unreadable, as the list of those needing it says"};
  table.add_two_person(
      "DELETE", noun.hold, noun.change, "Take a legal hold or retention date away.", {}, "",
      [&manager, &noun](const Request& request) { return matter_of_hold(manager, noun, request); },
      [&manager, &noun](const Request& request) { return remove_hold(manager, noun, request); });
  table.add_two_person(
      "POST", noun.destroy, noun.change, "Destroy it for ever.", {lost},
      "The tombstone, and whether no file of the keystore holds it any more.", destroying(false),
      [&manager, &noun](const Request& request) { return destroy(manager, noun, request, false); });
  table.add_two_person("POST", noun.purge, noun.change, "Destroy it for ever, out of quarantine.", {lost},
                       "As of destroying.", destroying(true), [&manager, &noun](const Request& request) {
                         return destroy(manager, noun, request, true);
                       });
}

}  // namespace

std::vector<Route> life_routes(KeyManager& manager, keymgr::backup::Service* backups) {
  std::vector<Route> routes;
  for (const Noun* noun : {&kKey, &kKek}) {
    RouteTable table(noun->name);
    add_views(table, manager, *noun, backups_of(manager, backups));
    add_changes(table, manager, *noun);
    add_two_person_changes(table, manager, *noun);
    for (auto& route : table.take()) routes.push_back(std::move(route));
  }
  return routes;
}

}  // namespace tapewarden::admin
