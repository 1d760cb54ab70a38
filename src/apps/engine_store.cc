#include "apps/engine_store.h"

#include "base/text.h"
#include "people/people.h"
#include "people/tables.h"
#include "store/master_key.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kIdFileLimit = 64;  // bytes
constexpr std::string_view kServerName = "engine";

std::string id_path(const EngineStorePlace& place) {
  return place.data + "/server-id";
}

Result<Uuid> read_id(Env env, const EngineStorePlace& place) {
  const auto content = TRY(read_file(*env.disk, id_path(place), kIdFileLimit));
  const auto id = Uuid::parse(trim(as_text(content)));
  if (id) return *id;
  return fail(ErrorCode::kCorrupt, id_path(place) + " holds no id", "https.data",
              "put the file back as it was");
}

}  // namespace

Result<store::MasterKeys> unlock_engine_store(Env env, const EngineStorePlace& place) {
  if (!env.disk->exists(place.master_key))
    return fail(ErrorCode::kNotFound, "there is no " + place.master_key, "https.master_key",
                "name the engine's master key as `site init` makes it, or take [https] out");
  const auto passphrase = store::read_passphrase_file(*env.disk, place.passphrase_file);
  if (!passphrase) return in_context("https.passphrase_file", passphrase.error());
  return store::unlock_master_key(*env.disk, place.master_key, *passphrase);
}

Result<EngineStore> open_engine_store(Env env, const EngineStorePlace& place) {
  return open_engine_store(env, place, TRY(unlock_engine_store(env, place)));
}

Result<EngineStore> open_engine_store(Env env, const EngineStorePlace& place,
                                      const store::MasterKeys& master) {
  EngineStore parts;
  parts.audit = TRY(
      audit::AuditFile::open(env, {.directory = place.data + "/audit", .server = std::string(kServerName)}));
  store::KeystoreOptions options;
  options.path = place.data + "/engine.db";
  options.server = TRY(read_id(env, place));
  options.tables = people::tables();
  parts.keystore = TRY(store::Keystore::open(env, std::move(options), master, *parts.audit));
  return parts;
}

Status make_engine_store(Env env, const EngineStorePlace& place, const crypto::SecretBytes& passphrase,
                         const std::vector<EngineMember>& members) {
  TRY(env.disk->make_directories(place.data, 0700));
  const auto key = TRY(store::create_master_key(env, place.master_key, passphrase));
  TRY(write_file_atomically(*env.disk, id_path(place), as_bytes(Uuid::random(*env.random).text() + "\n")));
  const auto parts = TRY(open_engine_store(env, place, store::first_version(key)));
  people::People people(env, *parts.keystore);
  const auto actor = people::local_principal("site-init");
  for (const auto& member : members)
    TRY(people.create(actor, {member.name, member.role, &member.password, member.certificate_fingerprint}));
  return {};
}

}  // namespace tapewarden::apps
