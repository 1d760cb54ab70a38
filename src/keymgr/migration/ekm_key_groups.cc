#include "keymgr/migration/ekm_key_groups.h"

#include <optional>
#include <pugixml.hpp>
#include <set>

#include "base/text.h"
#include "eedk/data_key_identifier.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::size_t kShownCharacters = 64;

bool holds(std::string_view name, std::string_view word) {
  return to_lower(name).find(word) != std::string::npos;
}

// "groupID", "name", "KeyGroupName": what tells a group's name, as an attribute or as an element of it.
bool tells_name(std::string_view name) {
  const std::string lower = to_lower(name);
  return lower == "id" || lower == "name" || lower == "groupid" || lower == "groupname" ||
         lower == "keygroupid" || lower == "keygroupname";
}

std::optional<std::string> name_of(const pugi::xml_node& element) {
  for (const auto& attribute : element.attributes()) {
    if (tells_name(attribute.name()) && *attribute.value() != '\0')
      return std::string(trim(attribute.value()));
  }
  for (const auto& child : element.children()) {
    if (tells_name(child.name()) && *child.text().get() != '\0') return std::string(trim(child.text().get()));
  }
  return std::nullopt;
}

// Walks the elements; pugixml's own walk uses no recursion.
class Finder final : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node& node) override {
    if (depth() > static_cast<int>(kMaximumXmlDepth)) {
      status_ = fail(ErrorCode::kExhausted, "the key groups file is nested too deep", "key_groups");
      return false;
    }
    if (node.type() != pugi::node_element) return true;
    while (!open_.empty() && open_.back() >= depth()) open_.pop_back();
    status_ = look(node);
    return status_.has_value();
  }
  Result<std::vector<OldKeyGroup>> take() {
    if (!status_) return std::unexpected(status_.error());
    return std::move(groups_);
  }

 private:
  Status look(const pugi::xml_node& node) {
    if (holds(node.name(), "group") && !tells_name(node.name())) {
      const auto name = name_of(node);
      if (name) {
        if (groups_.size() == kMaximumOldGroups)
          return fail(ErrorCode::kExhausted, "the key groups file has too many groups", "key_groups");
        groups_.push_back({*name, {}, {}});
        open_.push_back(depth());
        return {};
      }
    }
    return open_.empty() ? Status() : look_for_aliases(node);
  }

  // <KeyAlias>key1</KeyAlias>, <Alias name="key1"/>, <key alias="key1"/>.
  Status look_for_aliases(const pugi::xml_node& node) {
    const bool alias = holds(node.name(), "alias");
    if (alias && *node.text().get() != '\0') return add(node.text().get());
    for (const auto& attribute : node.attributes()) {
      const bool wanted = holds(attribute.name(), "alias") || (alias && tells_name(attribute.name()));
      if (wanted && *attribute.value() != '\0') return add(attribute.value());
    }
    return {};
  }

  Status add(std::string_view text) {
    OldKeyGroup& group = groups_.back();
    const std::size_t before = group.aliases.size();
    TRY(add_old_aliases(group, text, kMaximumOldAliases - aliases_ + before));
    aliases_ += group.aliases.size() - before;
    return {};
  }

  std::vector<OldKeyGroup> groups_;
  std::vector<int> open_;  // the depths of the groups that are not closed yet
  std::size_t aliases_ = 0;
  Status status_;
};

}  // namespace

Status add_old_aliases(OldKeyGroup& group, std::string_view text, std::size_t limit) {
  const auto one = trim(text);
  const auto expanded = eedk::expand_alias_range(one);
  if (!expanded && expanded.error().code == ErrorCode::kExhausted) return std::unexpected(expanded.error());
  if (!expanded) {
    group.faults.push_back(escape_unprintable(one.substr(0, kShownCharacters)) + ": " +
                           expanded.error().message);
    return {};
  }
  for (const auto& alias : *expanded) {
    if (group.aliases.size() >= limit)
      return fail(ErrorCode::kExhausted, "the key groups name too many keys", "key_groups");
    group.aliases.push_back(alias);
  }
  return {};
}

Result<std::vector<OldKeyGroup>> read_ekm_key_groups(std::string_view text) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size());
  if (!parsed)
    return fail(ErrorCode::kInvalidArgument,
                std::string("the key groups file is no XML or is cut short: ") + parsed.description(),
                "key_groups", "copy the file that config.keygroup.xml.file names again");
  Finder finder;
  document.traverse(finder);
  auto groups = TRY(finder.take());
  if (groups.empty())
    return fail(ErrorCode::kInvalidArgument, "the key groups file holds no group", "key_groups",
                "give the file that config.keygroup.xml.file of the old server's properties names");
  for (OldKeyGroup& group : groups) {
    std::set<std::string> seen;
    std::erase_if(group.aliases, [&](const std::string& alias) { return !seen.insert(alias).second; });
  }
  return groups;
}

}  // namespace tapewarden::keymgr
