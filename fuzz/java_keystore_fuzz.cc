// What an old key manager leaves, as somebody who means ill could have written it: the first byte says which.
// Keystores get the digest that fits, so that what lies behind it is reached.
#include "crypto/java_key_protector.h"
#include "fuzz.h"
#include "keymgr/migration/ekm_drive_table.h"
#include "keymgr/migration/ekm_key_groups.h"
#include "keymgr/migration/java_object.h"
#include "keymgr/migration/java_properties.h"
#include "keymgr/migration/jceks.h"

namespace {

using namespace tapewarden;

void read_object(ByteView input) {
  const auto object = keymgr::read_java_object(input);
  if (!object) return;
  TW_ASSERT(object->length <= input.size());
  for (const auto& field : object->fields) TW_ASSERT(field.bytes.has_value() != field.text.has_value());
}

void read_keystore(ByteView content) {
  const auto password = crypto::SecretBytes::copy_of(as_bytes("fuzz"));
  const auto digest = crypto::java_keystore_digest(password, content);
  const auto file = ByteWriter().bytes(content).bytes(digest).take();
  const auto store = keymgr::read_old_keystore(file, password);
  if (!store) return;
  for (const auto& entry : store->entries) {
    const bool data_key = entry.kind == keymgr::EntryKind::kSecretKey;
    TW_ASSERT(!entry.fault.empty() || entry.data_key.size() == (data_key ? 32U : 0U));
    TW_ASSERT(!entry.fault.empty() || data_key || !entry.certificate.empty());
  }
}

// A file may ask for a minute of work, which would be all that a fuzzer does.
bool asks_for_much(ByteView input) {
  constexpr std::uint8_t kInteger = 0x02;
  for (std::size_t i = 0; i + 4 < input.size(); ++i) {
    if (input[i] == kInteger && (input[i + 1] == 3 || input[i + 1] == 4)) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tapewarden::ByteView input(data, size);
  if (input.empty()) return 0;
  const auto rest = input.subspan(1);
  switch (input.front()) {
    case 0:
      read_object(rest);
      break;
    case 1:
      if (!asks_for_much(rest)) read_keystore(rest);
      break;
    case 2:
      (void)tapewarden::keymgr::read_java_properties(tapewarden::as_text(rest));
      break;
    case 3:
      (void)tapewarden::keymgr::read_ekm_key_groups(tapewarden::as_text(rest));
      break;
    case 4:
      (void)tapewarden::keymgr::read_ekm_drives(tapewarden::as_text(rest));
      break;
    default:
      (void)tapewarden::crypto::parse_java_protected_key(rest);
  }
  return 0;
}
