#include "keymgr/settings.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "eedk/eedk.h"
#include "keymgr/audit_note.h"
#include "keymgr/limits.h"
#include "keymgr/place_domains.h"
#include "keymgr/row_codec.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

const std::vector<SettingInfo>& infos() {
  static const std::vector<SettingInfo> all{{
      {kUnknownDrives,
       "pending",
       {"reject", "pending", "accept"},
       "what happens to a drive not in the table"},
      {kAccessDefault, "allow", {"allow", "deny"}, "access to groups and labels that no rule names"},
      {kDefaultLabel1, "", {}, "first label for wrapped-key writes that name none"},
      {kDefaultMode1, "clear", {"clear", "hash"}, "how the first EEDK names its KEK"},
      {kDefaultLabel2, "", {}, "second label for wrapped-key writes that name none"},
      {kDefaultMode2, "clear", {"clear", "hash"}, "how the second EEDK names its KEK"},
      {kAliasPrefix, "TWK", {}, "three letters that begin the aliases of generated keys"},
      {kPeerExhausted,
       "refuse",
       {"refuse", "serve"},
       "the peer's part of keys.serve when no key that the peer holds is left: refuse the write, or serve "
       "without the peer"},
      {kCompareHours, "24", {}, "hours between two full comparisons with the peer, 0 to 8784; 0: none"},
      {kServe,
       "auto",
       {"auto", "after-backup", "after-replica", "at-once"},
       "where else a key must lie before it is given out for writing; auto: in a backup as soon as a target "
       "that counts is configured"},
      {kTwoPerson,
       "on",
       {"on", "off"},
       "what may leave or destroy keys needs a second security officer; switching it off needs one too"},
      {kApprovalHours, "24", {}, "hours until a request for a second person expires, 1 to 720"},
      {kWantedPlaces,
       "2",
       {},
       "in how many independent places the key of each cartridge shall be had; 0 to 16, 0: no alarm"},
      {kSilentHours,
       "24",
       {},
       "hours for which a peer that does not answer still counts as a place for keys, 0 to 720"},
      {kCheckHours,
       "24",
       {},
       "hours between two self-checks, which open every key here and verify the backups; 0 to 720, 0: none"},
      {kCountedPartners,
       "received",
       {"none", "received", "sent"},
       "which keys a partner counts as a place for: none, those that came from it, or also those sent to it"},
      {kPlaceDomains,
       "",
       {},
       "failure domains of places, for example primary=building-1, secondary=building-2; else each server is "
       "its own"},
  }};
  return all;
}

Result<const SettingInfo*> require(std::string_view name) {
  const auto found = std::ranges::find(infos(), name, &SettingInfo::name);
  if (found != infos().end()) return &*found;
  return fail(ErrorCode::kNotFound, "there is no setting \"" + escape_unprintable(name.substr(0, 64)) + "\"",
              "name", "list the settings to see their names");
}

bool is_prefix(std::string_view value) {
  return value.size() == 3 &&
         std::ranges::all_of(value, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
}

Status check_value(const SettingInfo& info, std::string_view value) {
  const std::string field(info.name);
  if (!info.choices.empty()) {
    if (std::ranges::find(info.choices, value) != info.choices.end()) return {};
    std::string names;
    for (const auto choice : info.choices) names += (names.empty() ? "" : ", ") + std::string(choice);
    return fail(ErrorCode::kInvalidArgument, "the setting does not take this value", field,
                "use one of: " + names);
  }
  if (value.size() > kMaximumSettingCharacters || !is_printable(value)) {
    return fail(ErrorCode::kInvalidArgument, "the value is too long or not printable", field);
  }
  if (info.name == kAliasPrefix && !is_prefix(value)) {
    return fail(ErrorCode::kInvalidArgument, "a prefix of aliases has three letters", field,
                "use for example TWK");
  }
  if (info.name == kCompareHours) (void)TRY(parse_number(value, 0, kMaximumCompareHours, field));
  if (info.name == kApprovalHours) (void)TRY(parse_number(value, 1, kMaximumApprovalHours, field));
  if (info.name == kWantedPlaces) (void)TRY(parse_number(value, 0, kMaximumWantedPlaces, field));
  if (info.name == kSilentHours || info.name == kCheckHours) {
    (void)TRY(parse_number(value, 0, kMaximumSilentHours, field));
  }
  if (info.name == kPlaceDomains) (void)TRY(parse_place_domains(value));
  if ((info.name == kDefaultLabel1 || info.name == kDefaultLabel2) && !value.empty()) {
    return eedk::check_label(value, field);
  }
  return {};
}

}  // namespace

std::span<const SettingInfo> setting_infos() {
  return infos();
}

Status check_setting(std::string_view name, std::string_view value) {
  return check_value(*TRY(require(name)), value);
}

Result<std::string> Settings::get(store::Reader& reader, std::string_view name) const {
  const SettingInfo* info = TRY(require(name));
  const auto row = TRY(reader.get(kSettingTable, {std::string(name)}));
  return row ? store::text(*row, 1) : std::string(info->default_value);
}

Status Settings::set(store::Transaction& transaction, const Actor& actor, std::string_view name,
                     std::string_view value, const Consent& consent) const {
  const SettingInfo* info = TRY(require(name));
  TRY(check_value(*info, value));
  if (name == kTwoPerson && value == "off") TRY(take_consent(transaction, *this, actor, consent));
  const std::string before = TRY(get(transaction, name));
  TRY(transaction.put(kSettingTable,
                      RowWriter(kSettingTable).text(name).text(value).time(context_.now()).take()));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "setting.set",
        .actor = actor,
        .fields = {{"name", std::string(name)},
                   {"before", before},
                   {"value", std::string(value)},
                   {"approved_by", consent.person}}});
  return {};
}

Status Settings::unset(store::Transaction& transaction, const Actor& actor, std::string_view name) const {
  const SettingInfo* info = TRY(require(name));
  if (!TRY(transaction.get(kSettingTable, {std::string(name)}))) return {};
  TRY(transaction.erase(kSettingTable, {std::string(name)}));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "setting.unset",
        .actor = actor,
        .fields = {{"name", std::string(name)}, {"value", std::string(info->default_value)}}});
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> Settings::list(store::Reader& reader) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& info : infos()) out.emplace_back(info.name, TRY(get(reader, info.name)));
  return out;
}

Result<UnknownDrives> Settings::unknown_drives(store::Reader& reader) const {
  const std::string value = TRY(get(reader, kUnknownDrives));
  if (value == "accept") return UnknownDrives::kAccept;
  return value == "reject" ? UnknownDrives::kReject : UnknownDrives::kPending;
}

Result<bool> Settings::open_by_default(store::Reader& reader) const {
  return TRY(get(reader, kAccessDefault)) != "deny";
}

Result<bool> Settings::serve_without_peer(store::Reader& reader) const {
  return TRY(get(reader, kPeerExhausted)) == "serve";
}

Result<people::ApprovalPolicy> Settings::approval_policy(store::Reader& reader) const {
  people::ApprovalPolicy policy;
  policy.two_person = TRY(get(reader, kTwoPerson)) != "off";
  const auto hours =
      TRY(parse_number(TRY(get(reader, kApprovalHours)), 1, kMaximumApprovalHours, kApprovalHours));
  policy.lifetime = std::chrono::hours(hours);
  return policy;
}

Result<std::vector<LabelChoice>> Settings::default_labels(store::Reader& reader) const {
  std::vector<LabelChoice> out;
  for (const auto& [label_name, mode_name] :
       {std::pair{kDefaultLabel1, kDefaultMode1}, std::pair{kDefaultLabel2, kDefaultMode2}}) {
    const std::string label = TRY(get(reader, label_name));
    const bool hash = TRY(get(reader, mode_name)) == "hash";
    if (!label.empty()) out.push_back({label, hash ? LabelMode::kHash : LabelMode::kClear});
  }
  return out;
}

}  // namespace tapewarden::keymgr
