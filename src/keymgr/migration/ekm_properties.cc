// Properties of an old installation (docs/formats/ekm-installation.md has the table).
#include <algorithm>

#include "base/text.h"
#include "keymgr/migration/ekm_parts.h"

namespace tapewarden::keymgr {
namespace {

constexpr auto kProperties = MigrationSection::kProperties;

// What a property without a counterpart is told with; by the beginning of its name, lower case.
struct Meaning {
  std::string_view begins;
  std::string_view remark;
};
constexpr Meaning kMeanings[] = {
    {"transportlistener.", "drives come over TLS: [dkx] in the server's configuration file has its address"},
    {"admin.ssl.", "the site's own certificates take this place"},
    {"audit.event.", "every event is recorded here"},
    {"audit.eventqueue.", "an answer waits for its record here"},
    {"audit.handler.", "[audit] in the server's configuration file"},
    {"audit.metadata.file.size", "the ledger is kept whole here"},
    {"audit.metadata.file.cachecount", "the ledger is written at once here"},
    {"sync.", "the two servers of a site copy each change to each other"},
    {"maximum.threads", "the server looks after this itself"},
    {"server.authmechanism", "people have accounts and roles here"},
    {"fips", "there is no such switch here"},
    {"debug", "[log] in the server's configuration file"},
    {"zoscompatibility", "there are AES keys alone here"},
    {"requirehardwareprotectionforsymmetrickeys", "there is no hardware token here"},
    {"useskidefaultlabels", "labels are named with drive-table modify, as clear or as hash"},
    {"config.keystore.", "this server has a keystore of its own"},
};

void tell(const MigrationWork& work, const JavaProperty& property, MigrationOutcome outcome,
          std::string_view remark) {
  work.tell(kProperties, property.key, outcome, remark);
}

std::string_view default_of(std::string_view setting) {
  for (const SettingInfo& info : setting_infos()) {
    if (info.name == setting) return info.default_value;
  }
  return {};
}

// A setting that nobody has changed takes the value.
Status set_if_free(const MigrationWork& work, const JavaProperty& property, std::string_view setting,
                   const std::string& value) {
  const auto& settings = work.manager.settings();
  const std::string here = TRY(settings.get(work.transaction, setting));
  const std::string name(setting);
  if (equal_ignoring_case(here, value)) {
    tell(work, property, MigrationOutcome::kSame, name + " is " + here);
    return {};
  }
  if (here != default_of(setting)) {
    tell(work, property, MigrationOutcome::kLeftOut, name + " is " + here + " here, which stays");
    return {};
  }
  TRY(settings.set(work.transaction, work.actor, setting, value));
  tell(work, property, MigrationOutcome::kAdded, name + " = " + value);
  return {};
}

Status take_label(const MigrationWork& work, const JavaProperty& property, std::string_view setting) {
  const std::string label(trim(property.value));
  if (label.empty()) return {};
  if (canonical_label(label) && !TRY(work.manager.keks().find_by_label(work.transaction, label)).empty())
    return set_if_free(work, property, setting, label);
  tell(work, property, MigrationOutcome::kLeftOut, "no KEK here bears that label: import the keystore first");
  return {};
}

Status take_first_label(const MigrationWork& work, const JavaProperty& property) {
  return take_label(work, property, kDefaultLabel1);
}
Status take_second_label(const MigrationWork& work, const JavaProperty& property) {
  return take_label(work, property, kDefaultLabel2);
}

// Never made more open than it is: whoever takes over an installation decides that himself.
Status take_unknown_drives(const MigrationWork& work, const JavaProperty& property) {
  if (equal_ignoring_case(trim(property.value), "false"))
    return set_if_free(work, property, kUnknownDrives, "reject");
  tell(work, property, MigrationOutcome::kLeftOut,
       "unknown drives wait for an operator here; to take them at their word: setting set drive.unknown "
       "accept");
  return {};
}

Status take_key_set(const MigrationWork& work, const JavaProperty& property) {
  const auto& groups = work.manager.groups();
  const auto value = trim(property.value);
  auto group = TRY(groups.find(work.transaction, value));
  if (!group && !value.empty()) group = TRY(groups.find(work.transaction, kKeySetGroup));
  if (!group) {
    tell(work, property, MigrationOutcome::kLeftOut,
         "it names no group and no key that came or is here: give the key groups and the keystore too");
    return {};
  }
  const auto standing = TRY(groups.default_group(work.transaction));
  if (standing && standing->name != group->name) {
    tell(work, property, MigrationOutcome::kLeftOut,
         "the default group here is " + standing->name + ", which stays");
    return {};
  }
  if (!standing) TRY(groups.set_default(work.transaction, work.actor, group->name));
  tell(work, property, standing ? MigrationOutcome::kSame : MigrationOutcome::kAdded,
       group->name + " is the default group");
  return {};
}

// A property that names a file of the old server.
Status tell_file(const MigrationWork& work, const JavaProperty& property, bool given,
                 std::string_view option) {
  tell(work, property, given ? MigrationOutcome::kSame : MigrationOutcome::kLeftOut,
       given ? "the file was given" : "give that file with " + std::string(option));
  return {};
}

struct Handler {
  std::string_view name;  // lower case
  Status (*take)(const MigrationWork&, const JavaProperty&);
};
constexpr Handler kHandlers[] = {
    {"drive.default.alias1", take_first_label},
    {"drive.default.alias2", take_second_label},
    {"drive.acceptunknowndrives", take_unknown_drives},
    {"symmetrickeyset", take_key_set},
    {"config.keystore.file",
     [](const MigrationWork& work, const JavaProperty& property) {
       return tell_file(work, property, work.from.keystore.has_value(), "--keystore");
     }},
    {"config.keygroup.xml.file",
     [](const MigrationWork& work, const JavaProperty& property) {
       return tell_file(work, property, work.from.key_groups.has_value(), "--key-groups");
     }},
    {"config.drivetable.file.url",
     [](const MigrationWork& work, const JavaProperty& property) {
       return tell_file(work, property, work.from.drive_table.has_value(), "--drive-table (a listing of it)");
     }},
    {"audit.metadata.file.name",
     [](const MigrationWork& work, const JavaProperty& property) {
       return tell_file(work, property, work.from.metadata.has_value(), "--metadata");
     }},
};

}  // namespace

Status take_property(const MigrationWork& work, const JavaProperty& property) {
  const std::string name = to_lower(property.key);
  if (names_password(name)) {
    tell(work, property, MigrationOutcome::kLeftOut, "passwords are not taken out of a properties file");
    return {};
  }
  const auto handler = std::ranges::find(kHandlers, std::string_view(name), &Handler::name);
  if (handler != std::end(kHandlers)) return handler->take(work, property);
  const auto meaning =
      std::ranges::find_if(kMeanings, [&](const Meaning& one) { return name.starts_with(one.begins); });
  tell(work, property, MigrationOutcome::kLeftOut,
       meaning != std::end(kMeanings) ? "no counterpart: " + std::string(meaning->remark)
                                      : "a property that is not known here");
  return {};
}

}  // namespace tapewarden::keymgr
