// The settings that operators change while the server runs; kept in the keystore and copied to the peer.
// A setting that was never set has its default. Stateless; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keymgr/actor.h"
#include "keymgr/consent.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "people/approvals.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// Names of settings.
inline constexpr std::string_view kUnknownDrives = "drive.unknown";   // reject | pending | accept
inline constexpr std::string_view kAccessDefault = "access.default";  // allow | deny
inline constexpr std::string_view kDefaultLabel1 = "default.label1";  // a KEK's label or empty
inline constexpr std::string_view kDefaultMode1 = "default.mode1";    // clear | hash
inline constexpr std::string_view kDefaultLabel2 = "default.label2";
inline constexpr std::string_view kDefaultMode2 = "default.mode2";
inline constexpr std::string_view kAliasPrefix = "alias.prefix";         // three letters
inline constexpr std::string_view kPeerExhausted = "peer.exhausted";     // refuse | serve
inline constexpr std::string_view kCompareHours = "peer.compare_hours";  // 0 (off) to 8784
inline constexpr std::string_view kServe = "keys.serve";  // auto | after-backup | after-replica | at-once
inline constexpr std::string_view kTwoPerson = "approval.two_person";            // on | off
inline constexpr std::string_view kApprovalHours = "approval.hours";             // 1 to 720
inline constexpr std::string_view kWantedPlaces = "recoverability.wanted";       // 0 to 16
inline constexpr std::string_view kSilentHours = "recoverability.silent_hours";  // 0 to 720
inline constexpr std::string_view kCheckHours = "recoverability.check_hours";    // 0 to 720
inline constexpr std::string_view kCountedPartners = "recoverability.partners";  // none | received | sent
inline constexpr std::string_view kPlaceDomains = "recoverability.domains";      // see place_domains.h

enum class UnknownDrives : std::uint8_t { kReject, kPending, kAccept };

struct SettingInfo {
  std::string_view name;
  std::string_view default_value;
  std::vector<std::string_view> choices;  // empty: free text within the setting's own rule
  std::string_view meaning;
};
std::span<const SettingInfo> setting_infos();
// kNotFound, kInvalidArgument: no setting, or a value that it does not take.
Status check_setting(std::string_view name, std::string_view value);

class Settings {
 public:
  explicit Settings(const ServerContext& context) : context_(context) {}

  // kNotFound for a name that is no setting.
  Result<std::string> get(store::Reader& reader, std::string_view name) const;
  // kInvalidArgument naming the setting and the values that it takes.
  // Switching two-person approval off takes a consent; kPermissionDenied without.
  Status set(store::Transaction& transaction, const Actor& actor, std::string_view name,
             std::string_view value, const Consent& consent = {}) const;
  Status unset(store::Transaction& transaction, const Actor& actor, std::string_view name) const;
  // Every setting with its value in force.
  Result<std::vector<std::pair<std::string, std::string>>> list(store::Reader& reader) const;

  Result<UnknownDrives> unknown_drives(store::Reader& reader) const;
  Result<bool> open_by_default(store::Reader& reader) const;
  Result<bool> serve_without_peer(store::Reader& reader) const;
  // For people::ApprovalOptions (K22).
  Result<people::ApprovalPolicy> approval_policy(store::Reader& reader) const;
  // Zero, one or two choices.
  Result<std::vector<LabelChoice>> default_labels(store::Reader& reader) const;

 private:
  const ServerContext& context_;
};

}  // namespace tapewarden::keymgr
