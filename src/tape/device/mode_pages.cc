#include "tape/device/mode_pages.h"

#include <algorithm>

#include "scsi/fields.h"
#include "tape/device/partition_page.h"

namespace tapewarden::tape {
namespace {

using scsi::ModePage;
namespace page_code = scsi::mode_page;
namespace subpage = scsi::mode_subpage;

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint8_t kAppendOnly = 1;  // WRITE MODE

scsi::EncryptionMethod method_of(KeyManagement management) {
  switch (management) {
    case KeyManagement::kApplication:
      return scsi::EncryptionMethod::kApplication;
    case KeyManagement::kLibrary:
      return scsi::EncryptionMethod::kLibrary;
    case KeyManagement::kSystem:
      return scsi::EncryptionMethod::kSystem;
    case KeyManagement::kNone:
      return scsi::EncryptionMethod::kNone;
  }
  return scsi::EncryptionMethod::kNone;
}

// SSC-4 table 118: method, length of the guard, LBP_W, LBP_R.
ModePage data_protection(const BlockProtection& protection) {
  ByteWriter out;
  out.u8(protection.enabled ? BlockProtection::kCrc32c : BlockProtection::kNone);
  out.u8(protection.enabled ? kGuardBytes : 0);
  out.u8(scsi::joined(scsi::flag(protection.on_write, 7), scsi::flag(protection.on_read, 6))).zeros(25);
  return {page_code::kControl, out.take(), subpage::kDataProtection};
}

// SSC-4 table 135: no TapeAlert options, WRITE MODE, PEWS.
ModePage configuration_extension(const ModeSettings& settings) {
  ByteWriter out;
  out.u8(0).u8(scsi::shifted(settings.append_only ? kAppendOnly : 0, 4));
  auto body = out.u16(settings.programmable_early_warning).zeros(24).take();
  return {page_code::kDeviceConfiguration, std::move(body), subpage::kConfigurationExtension};
}

// SPC-4 table 437: nothing is reported by itself (DEXCPT); TapeAlert is polled.
ModePage informational_exceptions() {
  constexpr std::uint8_t kDisabled = 0x08;
  return {page_code::kInformationalExceptions, ByteWriter().u8(kDisabled).zeros(9).take()};
}

// SSC-4 table 139: WORMM tells of the mounted medium.
ModePage medium_configuration(const DriveState& drive) {
  const bool worm = drive.cartridge && drive.cartridge->identity().worm;
  return {page_code::kMediumConfiguration, ByteWriter().u8(scsi::flag(worm, 0)).zeros(29).take()};
}

scsi::Outcome<void> take_data_protection(const ModePage& page, std::size_t body_at, ModeSettings& settings) {
  const auto method = page.body[0];
  if (method != BlockProtection::kNone && method != BlockProtection::kCrc32c)
    return scsi::invalid_in_parameters(body_at);  // among them the Reed-Solomon CRC
  const bool enabled = method == BlockProtection::kCrc32c;
  if (enabled && page.body[1] != kGuardBytes) return scsi::invalid_in_parameters(body_at + 1, 5);
  if (!enabled && page.body[1] != 0 && page.body[1] != kGuardBytes)
    return scsi::invalid_in_parameters(body_at + 1, 5);
  settings.protection = {.enabled = enabled,
                         .on_write = scsi::bit_at(page.body, 2, 7),
                         .on_read = scsi::bit_at(page.body, 2, 6)};
  return {};
}

scsi::Outcome<void> take_values(const ModePage& page, std::size_t body_at, ModeSettings& settings) {
  if (page.code == page_code::kDataCompression) settings.compression = scsi::bit_at(page.body, 0, 7);
  if (page.code == page_code::kControl && page.subpage == subpage::kDataProtection)
    return take_data_protection(page, body_at, settings);
  if (page.code == page_code::kMediumPartition) {
    settings.partitions = TRY(take_partition_page(page, body_at));
    return {};
  }
  if (page.code != page_code::kDeviceConfiguration) return {};
  if (page.subpage == subpage::kConfigurationExtension) {
    if (scsi::bits_at(page.body, 1, 4, 4) > kAppendOnly) return scsi::invalid_in_parameters(body_at + 1, 7);
    settings.append_only = scsi::bits_at(page.body, 1, 4, 4) == kAppendOnly;
    settings.programmable_early_warning = scsi::u16_at(page.body, 2);
    return {};
  }
  if (page.body[12] > 1) return scsi::invalid_in_parameters(body_at + 12);
  settings.compression = page.body[12] == 1;
  return {};
}

}  // namespace

ModeSettings settings_of(const DriveState& drive) {
  return {drive.buffered_mode,
          drive.block_length,
          drive.compression,
          drive.protection,
          drive.programmable_early_warning,
          drive.append_only,
          drive.partition_request};
}

void apply(DriveState& drive, const ModeSettings& settings) {
  drive.buffered_mode = settings.buffered_mode;
  drive.block_length = settings.block_length;
  drive.compression = settings.compression;
  drive.protection = settings.protection;
  drive.programmable_early_warning = settings.programmable_early_warning;
  drive.append_only = settings.append_only;
  drive.partition_request = settings.partitions;
  if (drive.cartridge)
    drive.cartridge->set_programmable_early_warning(settings.programmable_early_warning * kMegabyte);
}

std::vector<ModePage> mode_pages_of(const DriveState& drive, scsi::PageControl control) {
  ModeSettings settings{.compression = drive.options.compression};
  if (control != scsi::PageControl::kDefault) settings = settings_of(drive);
  scsi::DataCompressionPage data_compression;
  data_compression.enabled = settings.compression;
  scsi::DeviceConfigurationPage configuration;
  configuration.compression = settings.compression ? 1 : 0;
  return {{page_code::kErrorRecovery, Bytes(10)},
          {page_code::kDisconnectReconnect, Bytes(14)},
          {page_code::kControl, Bytes(10)},
          data_protection(settings.protection),
          data_compression.encode(),
          configuration.encode(),
          configuration_extension(settings),
          medium_partition_page(drive, settings.partitions),
          informational_exceptions(),
          medium_configuration(drive),
          scsi::ReadWriteControlPage{method_of(drive.options.management)}.encode()};
}

Bytes changeable_bits(const ModePage& page) {
  Bytes mask(page.body.size());
  const auto set = [&mask](std::size_t from, std::size_t to, std::uint8_t bits) {
    for (std::size_t i = from; i < to; ++i) mask.at(i) = bits;
  };
  if (page.code == page_code::kDataCompression) {
    set(0, 1, 0x80);  // DCE
    set(2, 6, 0xff);  // the algorithm follows DCE
  } else if (page.code == page_code::kControl && page.subpage == subpage::kDataProtection) {
    set(0, 1, 0xff);  // method
    set(1, 2, 0x3f);  // length of the guard
    set(2, 3, 0xc0);  // LBP_W, LBP_R
  } else if (page.code == page_code::kMediumPartition) {
    return partition_page_mask(page.body.size());
  } else if (page.code == page_code::kDeviceConfiguration) {
    if (page.subpage == subpage::kConfigurationExtension) {
      set(1, 2, 0xf0);  // WRITE MODE
      set(2, 4, 0xff);  // PEWS
    } else {
      set(12, 13, 0xff);  // SELECT DATA COMPRESSION ALGORITHM
    }
  }
  return mask;
}

scsi::Outcome<void> take_mode_page(const std::vector<ModePage>& current, const ModePage& page,
                                   std::size_t offset, ModeSettings& settings) {
  const auto known = std::ranges::find_if(current, [&page](const ModePage& candidate) {
    return candidate.code == page.code && candidate.subpage == page.subpage;
  });
  if (known == current.end()) return scsi::invalid_in_parameters(offset, 5);
  const auto body_at = offset + page.header_bytes();
  if (known->body.size() != page.body.size()) return scsi::invalid_in_parameters(body_at - 1);
  const auto mask = changeable_bits(page);
  for (std::size_t i = 0; i < page.body.size(); ++i) {
    const auto fixed = (page.body[i] ^ known->body[i]) & ~unsigned{mask[i]} & 0xffU;
    if (fixed != 0) return scsi::invalid_in_parameters(body_at + i);
  }
  return take_values(page, body_at, settings);
}

}  // namespace tapewarden::tape
