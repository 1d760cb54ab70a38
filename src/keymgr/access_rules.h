// Who may write with and read with which groups and labels (K27): drives, proxies, partitions, KMIP clients.
// Checked at every request, because connections never close.
//
// The rule: all rules that name the object, and those for any object, are looked at. With none, the setting
// access.default decides (allow unless changed). With some, the object is closed to all whom none of them
// grants the right: the first rule closes it. A KEK is one object under all its labels together, so that a
// second label is no way around a rule on the first.
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keymgr/actor.h"
#include "keymgr/page.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "keymgr/settings.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// A drive, with what speaks for it; or a KMIP client.
struct AccessSubject {
  std::string serial;
  std::optional<Hash256> proxy;
  std::string partition;
  std::string client = {};  // as it is registered; empty: a drive asks
};

struct AccessObject {
  ObjectKind kind = ObjectKind::kGroup;
  // One group, or all labels of a KEK; folded or not. None: what is in no group.
  std::vector<std::string> names;
};

// Rules see the group that a key is in today. So taking a key out of a group that a rule names, or out of any
// while access.default is deny, changes who may use it: kPermissionDenied for all but a security officer.
// `group` is folded, or empty for a key in no group.
Status check_regroup(store::Reader& reader, const Settings& settings, const Actor& actor,
                     const std::string& group);

// What a rule or quota names, as it is kept. kInvalidArgument naming the field.
Result<std::string> canonical_subject(SubjectKind kind, const std::string& subject);
Result<std::string> canonical_object(ObjectKind kind, const std::string& object);
// Whether the canonical name of that kind means this one.
bool is_subject(SubjectKind kind, std::string_view name, const AccessSubject& subject);

class AccessRules {
 public:
  AccessRules(const ServerContext& context, const Settings& settings)
      : context_(context), settings_(settings) {}

  // The id is drawn here. kAlreadyExists for the same subject and object.
  Result<AccessRule> add(store::Transaction& transaction, const Actor& actor, AccessRule rule) const;
  Status remove(store::Transaction& transaction, const Actor& actor, const Uuid& id) const;
  Result<Page<AccessRule>> list(store::Reader& reader, const PageRequest& page) const;

  Result<bool> allows(store::Reader& reader, const AccessSubject& subject, const AccessObject& object,
                      Right right) const;
  // EE30 naming the object when not.
  Status check(store::Reader& reader, const AccessSubject& subject, const AccessObject& object,
               Right right) const;

 private:
  const ServerContext& context_;
  const Settings& settings_;
};

}  // namespace tapewarden::keymgr
