#include "admin/keyd/kek_lookup.h"

#include "admin/keyd/support.h"
#include "base/text.h"

namespace tapewarden::admin {

Result<Hash256> find_kek_id(keymgr::KeyManager& manager, std::string_view text) {
  if (const auto id = parse_hash(text, "kek")) {
    TRY(manager.kek(*id));
    return *id;
  }
  std::vector<keymgr::Kek> found;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    found = TRY(manager.keks().find_by_label(reader, text));
    return {};
  }));
  if (found.size() == 1) return found.front().id;
  if (found.empty()) {
    return fail(ErrorCode::kNotFound, "no KEK has this label", "kek", "list the KEKs to see their labels");
  }
  return fail(ErrorCode::kConflict, "the label names several KEKs", "kek",
              "name the KEK by its hash, and take the label away from all but one");
}

Result<Matter> matter_of_kek(keymgr::KeyManager& manager, const Request& request) {
  const Hash256 id = TRY(find_kek_id(manager, request.arguments.text("kek")));
  const auto view = TRY(manager.kek(id));
  std::string labels;
  for (const auto& label : view.labels) labels += (labels.empty() ? "" : ", ") + escape_unprintable(label);
  return Matter{to_hex(id), "KEK " + to_hex(id) + " \"" + view.kek.common_name +
                                "\", labels: " + (labels.empty() ? "none" : labels)};
}

}  // namespace tapewarden::admin
