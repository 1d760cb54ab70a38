// What `drive show` tells.
#include "base/text.h"
#include "cli/drive_use.h"
#include "cli/host_drive.h"
#include "eedk/data_key_identifier.h"
#include "keyproxy/cartridge_name.h"

namespace tapewarden::cli {
namespace {

using tape::TapeDrive;

class Facts {
 public:
  void add(std::string_view name, std::string_view label, std::string value) {
    facts_.push_back({name, label, std::move(value)});
  }
  std::vector<DriveFact> take() { return std::move(facts_); }

 private:
  std::vector<DriveFact> facts_;
};

std::string not_offered(const tape::TapeError& error) {
  if (error.fault == tape::TapeFault::kIllegalRequest) return "not offered";
  return escape_unprintable(error.text());
}

std::string_view name_of(scsi::EncryptionMode mode) {
  switch (mode) {
    case scsi::EncryptionMode::kDisable:
      return "off";
    case scsi::EncryptionMode::kExternal:
      return "external";
    case scsi::EncryptionMode::kEncrypt:
      return "on";
  }
  return "unknown";
}

std::string_view name_of(scsi::DecryptionMode mode) {
  switch (mode) {
    case scsi::DecryptionMode::kDisable:
      return "off";
    case scsi::DecryptionMode::kRaw:
      return "raw";
    case scsi::DecryptionMode::kDecrypt:
      return "on";
    case scsi::DecryptionMode::kMixed:
      return "on, clear blocks too";
  }
  return "unknown";
}

std::string_view name_of(scsi::KeyScope scope) {
  switch (scope) {
    case scsi::KeyScope::kPublic:
      return "public";
    case scsi::KeyScope::kLocal:
      return "this initiator";
    case scsi::KeyScope::kAllNexuses:
      return "all initiators";
  }
  return "unknown";
}

std::string_view name_of(scsi::BlockStatus status) {
  switch (status) {
    case scsi::BlockStatus::kUnknown:
      return "the drive cannot tell";
    case scsi::BlockStatus::kNotNow:
      return "not known now: end of data, or not read yet";
    case scsi::BlockStatus::kNotABlock:
      return "a filemark";
    case scsi::BlockStatus::kNotEncrypted:
      return "clear";
    case scsi::BlockStatus::kOtherAlgorithm:
      return "encrypted with an algorithm that the drive does not know";
    case scsi::BlockStatus::kReadable:
      return "encrypted, the drive has its key";
    case scsi::BlockStatus::kKeyMissing:
      return "encrypted, the drive does not have its key";
  }
  return "unknown";
}

std::string_view name_of(scsi::KeyFormat format) {
  switch (format) {
    case scsi::KeyFormat::kPlain:
      return "plain (00h)";
    case scsi::KeyFormat::kVendorReference:
      return "vendor's reference (01h)";
    case scsi::KeyFormat::kWrapped:
      return "wrapped (02h)";
    case scsi::KeyFormat::kEspScsi:
      return "ESP-SCSI (03h)";
  }
  return "unknown";
}

std::string with_descriptors(std::string text, const scsi::KadList& descriptors) {
  for (const auto& descriptor : descriptors) text += ", " + shown_descriptor(descriptor);
  return text;
}

void add_cartridge(Facts& facts, TapeDrive& drive) {
  const auto ready = drive.test_ready();
  if (!ready) {
    facts.add("cartridge", "cartridge",
              ready.error().fault == tape::TapeFault::kNoCartridge
                  ? std::string("none")
                  : escape_unprintable(ready.error().text()));
    return;
  }
  const auto name = keyproxy::name_of_cartridge(drive, {});
  facts.add("cartridge", "cartridge",
            name ? escape_unprintable(name->volser) : "loaded; it has no name in its memory");
  const auto position = drive.position();
  facts.add("position", "position",
            position ? "object " + std::to_string(position->logical_object) + ", file " +
                           std::to_string(position->file_number)
                     : not_offered(position.error()));
}

void add_abilities(Facts& facts, TapeDrive& drive) {
  const auto capabilities = drive.encryption_capabilities();
  if (!capabilities) {
    facts.add("algorithms", "encryption", not_offered(capabilities.error()));
    return;
  }
  std::string text;
  for (const auto& algorithm : capabilities->algorithms) {
    const bool known = algorithm.algorithm == scsi::kAesGcm16;
    text += (text.empty() ? "" : "; ") + std::to_string(algorithm.index) + ": " +
            (known ? std::string("AES-256-GCM") : "algorithm " + std::to_string(algorithm.algorithm)) +
            ", A-KAD up to " + std::to_string(algorithm.max_authenticated) + " bytes, U-KAD up to " +
            std::to_string(algorithm.max_unauthenticated);
  }
  facts.add("algorithms", "algorithms", text.empty() ? "none" : text);
  const auto formats = drive.key_formats();
  std::string names;
  if (formats)
    for (const auto format : *formats) names += (names.empty() ? "" : ", ") + std::string(name_of(format));
  if (names.empty()) names = "none";
  facts.add("key_formats", "key formats", formats ? names : not_offered(formats.error()));
}

void add_status(Facts& facts, TapeDrive& drive) {
  const auto status = drive.encryption_status();
  if (!status) {
    facts.add("status", "status", not_offered(status.error()));
    return;
  }
  facts.add("managed_by", "keys come from", std::string(manager_name(status->control)));
  facts.add("encryption", "encryption", std::string(name_of(status->encryption)));
  facts.add("decryption", "decryption", std::string(name_of(status->decryption)));
  facts.add("key", "key",
            with_descriptors("for " + std::string(name_of(status->key_scope)) + ", instance " +
                                 std::to_string(status->key_instance),
                             status->kads));
  const auto next = drive.next_block_status();
  facts.add(
      "next_block", "next block",
      next ? with_descriptors(std::string(name_of(next->status)), next->kads) : not_offered(next.error()));
}

}  // namespace

std::string shown_descriptor(const scsi::KeyAssociatedData& descriptor) {
  std::string name;
  switch (descriptor.kind) {
    case scsi::KadKind::kUnauthenticated:
      name = "U-KAD ";
      break;
    case scsi::KadKind::kAuthenticated:
      name = "A-KAD ";
      break;
    default:
      return "descriptor " + std::to_string(static_cast<unsigned>(descriptor.kind)) + " " +
             to_hex(descriptor.value);
  }
  if (const auto identifier = eedk::DataKeyIdentifier::from_tape(descriptor.value); identifier)
    if (const auto alias = identifier->alias(); alias) return name + *alias;
  const auto text = as_text(descriptor.value);
  return name + (is_printable(text) ? std::string(text) : to_hex(descriptor.value));
}

std::string_view manager_name(scsi::ParametersControl control) {
  switch (control) {
    case scsi::ParametersControl::kNotReported:
      return "not told";
    case scsi::ParametersControl::kNotExclusive:
      return "the host";
    case scsi::ParametersControl::kDrive:
      return "the drive's own configuration";
    case scsi::ParametersControl::kAutomation:
      return "the library";
    case scsi::ParametersControl::kManagement:
      return "a key manager";
  }
  return "unknown";
}

std::vector<DriveFact> facts_of(HostDrive& drive) {
  Facts facts;
  const auto& who = drive.inquiry();
  facts.add("drive", "drive", escape_unprintable(who.vendor + " " + who.product + " " + who.revision));
  facts.add("serial", "serial", drive.serial().empty() ? "not told" : escape_unprintable(drive.serial()));
  facts.add("connection", "connection", drive.on_local_bus() ? "local bus" : "network");
  if (const auto holder = find_holder(drive.tape(), Processes::of_this_host()); holder)
    facts.add("reserved_by", "reserved by", holder->text());
  add_cartridge(facts, drive.tape());
  add_abilities(facts, drive.tape());
  add_status(facts, drive.tape());
  return facts.take();
}

}  // namespace tapewarden::cli
