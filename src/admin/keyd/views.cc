#include "admin/keyd/views.h"

#include "admin/keyd/support.h"
#include "base/base64.h"
#include "crypto/certificate.h"
#include "crypto/hash.h"

namespace tapewarden::admin {
namespace {

json::value label_json(const keymgr::LabelChoice& choice) {
  if (choice.label.empty()) return nullptr;
  return json::object{{"label", choice.label}, {"mode", eedk::to_string(choice.mode)}};
}

json::object times_json(const keymgr::StateTimes& times) {
  return {{"created", time_text(times.created)},
          {"activated", time_text(times.activated)},
          {"deactivated", time_text(times.deactivated)},
          {"compromised", time_text(times.compromised)},
          {"destroyed", time_text(times.destroyed)}};
}

// A certificate as a person compares it; null without one.
json::value certificate_json(ByteView der) {
  if (der.empty()) return nullptr;
  const auto certificate = crypto::Certificate::from_der(der);
  if (!certificate) return json::object{{"problem", "cannot be read"}};
  return json::object{{"subject", certificate->subject()},
                      {"fingerprint", to_hex(certificate->fingerprint())},
                      {"not_after", format_utc(certificate->not_after())},
                      {"pem", certificate->pem()}};
}

std::string hash_text(ByteView content) {
  return content.empty() ? "" : to_hex(crypto::sha256(content));
}

}  // namespace

json::object to_json(const keymgr::Drive& drive) {
  return {{"serial", drive.serial},
          {"wwnn", drive.wwnn},
          {"kind", keymgr::to_string(drive.kind)},
          {"state", keymgr::to_string(drive.state)},
          {"default_alias", drive.default_alias},
          {"default_group", drive.default_group},
          {"label_1", label_json(drive.label_1)},
          {"label_2", label_json(drive.label_2)},
          {"certificate", certificate_json(drive.certificate)},
          {"identity", to_hex(drive.identity_hash)},
          {"wrapping_key", hash_text(drive.wrapping_spki)},
          {"offered",
           {{"certificate", certificate_json(drive.offered_certificate)},
            {"wrapping_key", hash_text(drive.offered_wrapping_spki)},
            {"proxy", to_hex(drive.offered_proxy)}}},
          {"first_seen", time_text(drive.first_seen)},
          {"decided_at", time_text(drive.decided_at)},
          {"decided_by", drive.decided_by}};
}

json::object to_json(const keymgr::DataKey& key) {
  return {{"alias", key.alias},
          {"id", key.id.text()},
          {"dki", key.dki.hex()},
          {"state", keymgr::to_string(key.state)},
          {"group", key.group},
          {"position", key.position},
          {"owner", key.owner.text()},
          {"fingerprint", to_hex(key.fingerprint)},
          {"origin", keymgr::to_string(key.origin)},
          {"uses", key.uses},
          {"quarantined", time_text(key.quarantined)},
          {"times", times_json(key.times)}};
}

json::object to_json(const keymgr::GroupStatus& status) {
  const keymgr::KeyGroup& group = status.group;
  return {{"name", group.name},
          {"policy", keymgr::to_string(group.policy)},
          {"keys_ahead", group.keys_ahead},
          {"alias_prefix", group.alias_prefix},
          {"default", group.default_write},
          {"created", time_text(group.created)},
          {"total", status.total},
          {"used", status.used},
          {"remaining", status.remaining},
          {"used_percent", status.used_percent},
          {"ready", status.ready},
          {"waiting_for_peer", status.unshared},
          {"waiting_for_backup", status.waiting},
          {"exhausted_on", status.exhausted_on ? format_utc(*status.exhausted_on).substr(0, 10) : ""}};
}

json::object to_json(const keymgr::KekView& view) {
  json::array labels;
  for (const auto& label : view.labels) labels.emplace_back(label);
  const keymgr::Kek& kek = view.kek;
  return {{"id", to_hex(kek.id)},
          {"common_name", kek.common_name},
          {"labels", std::move(labels)},
          {"state", keymgr::to_string(kek.state)},
          {"has_private", kek.has_private},
          {"origin", keymgr::to_string(kek.origin)},
          {"proven", kek.proven},
          {"quarantined", time_text(kek.quarantined)},
          {"not_after", time_text(kek.not_after)},
          {"certificate", certificate_json(kek.certificate)},
          {"times", times_json(kek.times)}};
}

json::object to_json(const keymgr::AccessRule& rule) {
  return {{"id", rule.id.text()},    {"subject_kind", keymgr::to_string(rule.subject_kind)},
          {"subject", rule.subject}, {"object_kind", keymgr::to_string(rule.object_kind)},
          {"object", rule.object},   {"write", rule.may_write},
          {"read", rule.may_read},   {"added", time_text(rule.added)}};
}

json::object to_json(const keymgr::ProxyDrive& proxy) {
  return {{"fingerprint", to_hex(proxy.proxy)},
          {"name", proxy.proxy_name},
          {"serial", proxy.serial},
          {"added", time_text(proxy.added)}};
}

json::object to_json(const keymgr::LedgerEntry& entry) {
  return {{"server", entry.server.text()},
          {"sequence", entry.sequence},
          {"volser", entry.volser},
          {"volume", entry.volume.text()},
          {"method", keymgr::to_string(entry.method)},
          {"purpose", keymgr::to_string(entry.purpose)},
          {"state", keymgr::to_string(entry.state)},
          {"alias", entry.alias},
          {"dki", to_hex(entry.dki)},
          {"group", entry.group},
          {"label_1", label_json(entry.label_1)},
          {"label_2", label_json(entry.label_2)},
          {"kek_1", to_hex(entry.kek_1)},
          {"kek_2", to_hex(entry.kek_2)},
          {"eedks", to_base64(entry.eedk_set)},
          {"key_check_value", to_hex(entry.kcv)},
          {"drive", entry.drive},
          {"wwnn", entry.wwnn},
          {"proxy", entry.proxy},
          {"issued", time_text(entry.issued)},
          {"confirmed", time_text(entry.confirmed)}};
}

json::object to_json(const keymgr::NameStatus& status) {
  return {{"name", status.name},
          {"known", status.known},
          {"writable", status.writable},
          {"waits", status.waits},
          {"public_only", status.public_only},
          {"held_by_peer", status.held_by_peer},
          {"conflict", status.conflict},
          {"problem", status.problem},
          {"note", status.note}};
}

json::object to_json(const keymgr::ServerRow& server) {
  return {{"id", server.id.text()},
          {"name", server.name},
          {"signing_certificate", certificate_json(server.signing_certificate)},
          {"exchange_certificate", certificate_json(server.exchange_certificate)},
          {"epoch", server.epoch}};
}

json::object to_json(const keymgr::PeerState& peer) {
  return {{"name", peer.name},
          {"in_step", peer.in_step},
          {"acknowledged", peer.acknowledged},
          {"applied", peer.applied},
          {"lag_commits", peer.lag_commits},
          {"last_success", time_text(peer.last_success)},
          {"last_error", peer.last_error},
          {"conflicts", peer.conflicts},
          {"rolled_back", peer.rolled_back},
          {"copying_again", peer.copying_again == keymgr::CopyAgain::kNo      ? ""
                            : peer.copying_again == keymgr::CopyAgain::kMerge ? "merge"
                                                                              : "rewrite"},
          {"sending_again", peer.resending > 0},
          {"wants_acceptance", peer.wants_acceptance}};
}

}  // namespace tapewarden::admin
