#include "keymgr/custody/backup/drill.h"

#include <future>
#include <memory>

#include "keymgr/key_manager.h"
#include "keymgr/key_service.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::backup {

namespace {

constexpr std::chrono::minutes kDeadline{1};
constexpr std::size_t kNamedFailures = 10;
constexpr unsigned kWrappingKeyBits = 2048;

// A drive of the drill: known to the scratch server alone.
class DrillDrive {
 public:
  static Result<DrillDrive> make(KeyManager& manager, DriveKind kind,
                                 const crypto::PrivateKey& wrapping_key) {
    DrillDrive out;
    out.serial_ = kind == DriveKind::kLto ? "DRILL0000001" : "DRILL0000002";
    out.kind_ = kind;
    out.wrapping_key_ = wrapping_key;
    crypto::CertificateSpec spec;
    spec.common_name = out.serial_;
    spec.not_before = manager.context().now();
    spec.not_after = spec.not_before + std::chrono::hours(24);
    out.certificate_ = TRY(crypto::self_signed_certificate(spec, crypto::PrivateKey::generate_p256(),
                                                           *manager.context().env.random));
    DriveChange change;
    change.kind = kind;
    change.certificate = out.certificate_.der();
    change.wrapping_spki = wrapping_key.public_key().spki();
    TRY(manager.add_drive(Actor::system(), out.serial_, change));
    return out;
  }

  KeyRequest request(const LedgerEntry& entry, Random& random) const {
    KeyRequest out;
    out.intent = Intent::kRead;
    out.caller.serial = serial_;
    out.caller.kind = kind_;
    out.caller.identity = certificate_;
    out.caller.wrapping_spki = wrapping_key_.public_key().spki();
    out.caller.wrapping_vouched = true;
    out.request_id = Uuid::random(random);
    out.volser = entry.volser;
    out.volume = entry.volume;
    out.wrapping_key_hash = wrapping_key_.public_key().spki_hash();
    return out;
  }

  Result<crypto::SecretBytes> open(const KeyAnswer& answer, const KeyRequest& request) const {
    if (!answer.sedk) return fail(ErrorCode::kNotFound, "the answer holds no key");
    return eedk::open_sedk(*answer.sedk, wrapping_key_, request.volume, request.request_id);
  }

 private:
  DrillDrive() = default;
  std::string serial_;
  DriveKind kind_ = DriveKind::kLto;
  crypto::Certificate certificate_;
  crypto::PrivateKey wrapping_key_;
};

class Drill {
 public:
  Drill(Env env, KeyManager& manager) : env_(env), manager_(manager), service_(manager, nullptr) {}

  Result<DrillReport> run(std::size_t cartridges) {
    TRY(open_access());
    const auto wrapping = crypto::PrivateKey::generate_rsa(kWrappingKeyBits);
    const auto lto = TRY(DrillDrive::make(manager_, DriveKind::kLto, wrapping));
    const auto enterprise = TRY(DrillDrive::make(manager_, DriveKind::k3592, wrapping));
    for (const LedgerEntry& entry : TRY(newest_writes(cartridges))) {
      ++report_.cartridges;
      const bool identified = entry.method == Method::kIdentifiedKey;
      const Status served = serve(identified ? lto : enterprise, entry);
      if (served) {
        ++report_.served;
      } else {
        count_failure(entry, served.error());
      }
    }
    return std::move(report_);
  }

 private:
  // The drill asks whether keys are there, not who may have them.
  Status open_access() {
    for (PageRequest page;;) {
      const auto rules = TRY(manager_.list_access_rules(page));
      for (const AccessRule& rule : rules.items) TRY(manager_.remove_access_rule(Actor::system(), rule.id));
      if (rules.next.empty()) break;
      page.after = rules.next;
    }
    return manager_.set_setting(Actor::system(), kAccessDefault, "allow");
  }

  Result<std::vector<LedgerEntry>> newest_writes(std::size_t count) {
    std::vector<LedgerEntry> out;
    TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
      const auto rows =
          TRY(reader.query(kLedgerTable, "purpose = ? ORDER BY issued DESC LIMIT ?",
                           {static_cast<std::int64_t>(Purpose::kWrite), static_cast<std::int64_t>(count)}));
      for (const auto& row : rows) out.push_back(LedgerEntry::from_row(row));
      return {};
    }));
    return out;
  }

  Result<KeyAnswer> ask(KeyRequest request) {
    const auto promise = std::make_shared<std::promise<Result<KeyAnswer>>>();
    auto answer = promise->get_future();
    service_.handle(std::move(request),
                    [promise](Result<KeyAnswer> result) { promise->set_value(std::move(result)); });
    if (answer.wait_for(kDeadline) == std::future_status::ready) return answer.get();
    return fail(ErrorCode::kTimeout, "the scratch server did not answer");
  }

  Status serve(const DrillDrive& drive, const LedgerEntry& entry) {
    KeyRequest request = drive.request(entry, *env_.random);
    if (entry.method == Method::kIdentifiedKey) {
      request.dki = TRY(eedk::DataKeyIdentifier::from_tape(entry.dki));
    } else {
      request.eedks = TRY(eedk::decode_eedk_set(entry.eedk_set));
    }
    const KeyAnswer answer = TRY(ask(request));
    const auto key = TRY(drive.open(answer, request));
    if (equal(crypto::key_check_value(key, entry.volume), entry.kcv)) return {};
    return fail(ErrorCode::kWrongKey, "the key's check value is not the one in the ledger");
  }

  void count_failure(const LedgerEntry& entry, const Error& error) {
    if (is_destroyed(entry)) {
      ++report_.destroyed;
    } else if (entry.method == Method::kWrappedKey && !held_here(entry)) {
      ++report_.elsewhere;
    } else if (report_.failed.size() < kNamedFailures) {
      report_.failed.push_back(entry.volser + ": " + error.text());
    }
  }

  bool is_destroyed(const LedgerEntry& entry) {
    if (entry.method != Method::kIdentifiedKey) return false;
    const auto key = manager_.key(entry.alias);
    return key && is_tombstone(key->state);
  }

  // Whether one of the entry's KEKs has its private half here.
  bool held_here(const LedgerEntry& entry) {
    bool held = false;
    (void)manager_.keystore().read([&](store::Reader& reader) -> Status {
      for (const Bytes& id : {entry.kek_1, entry.kek_2}) {
        if (id.empty()) continue;
        const auto row = TRY(reader.get(kKekTable, {id}));
        held = held || (row && Kek::from_row(*row).has_private);
      }
      return {};
    });
    return held;
  }

  const Env env_;
  KeyManager& manager_;
  KeyService service_;
  DrillReport report_;
};

}  // namespace

Result<DrillReport> serve_from(Env env, store::Keystore& keystore, const Uuid& server,
                               std::size_t cartridges) {
  const auto manager = TRY(KeyManager::open(env, keystore, server, {}));
  return Drill(env, *manager).run(cartridges);
}

}  // namespace tapewarden::keymgr::backup
