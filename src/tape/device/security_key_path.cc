// Security protocol F0h: pages between the drive's key path and whoever carries its exchange
// (docs/formats/key-path-pages.md).
#include "scsi/encryption_capabilities.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
namespace page_code = scsi::key_path;

std::optional<CartridgeFacts> loaded_facts(const DriveState& drive) {
  if (!drive.cartridge) return {};
  return facts_of(*drive.cartridge);
}

scsi::Outcome<void> take_policy(DriveState& drive, ByteView parameters) {
  auto policy = TRY(scsi::WritePolicyPage::parse(parameters));
  // Clear or encrypted is fixed at the beginning of tape.
  if (drive.cartridge && !drive.cartridge->at_beginning()) return scsi::check(codes::kCommandSequenceError);
  drive.key_path.set_policy(std::move(policy));
  return {};
}

// New EEDKs are asked for where clear or encrypted is settled: at the beginning of tape, so that nothing is
// being written with a key that is let go when they come.
scsi::Outcome<void> take_rekey(DriveState& drive, ByteView parameters) {
  auto page = TRY(scsi::RekeyPage::parse(parameters));
  if (!drive.cartridge) return scsi::check(codes::kMediumNotPresent);
  const auto& report = drive.cartridge->key_info();
  if (report.all_lost) return scsi::check(codes::kCartridgeMemoryFailure);
  const bool wrapped = report.info.method == KeyMethod::kWrappedKey && !report.info.eedks.empty();
  if (!wrapped || !drive.cartridge->at_beginning()) return scsi::check(codes::kCommandSequenceError);
  TRY(check_writable(drive));
  drive.key_path.ask_for_rekey(std::move(page));
  return {};
}

// What an answer brought for the cartridge goes on it before the answer counts as taken.
scsi::Outcome<void> take_answer(DriveState& drive, ByteView parameters, const CartridgeFacts* cartridge) {
  TRY(drive.key_path.answer(TRY(scsi::ExchangeMessagePage::parse(parameters, page_code::kAnswer)),
                            cartridge));
  const auto info = drive.key_path.take_new_info();
  if (!info) return {};
  TRY(check_writable(drive));
  forget_keys(drive, Leaving::kEnded);
  if (const auto put = drive.cartridge->set_key_info(*info); !put)
    return std::unexpected(write_sense(put.error()));
  drive.key_path.rekeyed(*cartridge);
  return {};
}

}  // namespace

scsi::Outcome<Bytes> key_path_page(DriveState& drive, std::uint16_t page) {
  switch (page) {
    case page_code::kSupportedPages:
      return scsi::encode_page_list(
          page, {page_code::kSupportedPages, page_code::kKeyRequest, page_code::kWritePolicy,
                 page_code::kRekey, page_code::kChallenge, page_code::kSignedRequest, page_code::kAnswer,
                 page_code::kRefusal, page_code::kStatus});
    case page_code::kKeyRequest: {
      const auto facts = loaded_facts(drive);
      return drive.key_path.request_page(facts ? &*facts : nullptr).encode();
    }
    case page_code::kWritePolicy:
      return drive.key_path.policy().encode();
    case page_code::kSignedRequest:
      return TRY(drive.key_path.signed_request()).encode(page);
    case page_code::kStatus:
      return drive.key_path.status_page().encode();
    default:
      return scsi::invalid_in_cdb(2);
  }
}

scsi::Outcome<void> take_key_path_page(DriveState& drive, std::uint16_t page, ByteView parameters) {
  const auto facts = loaded_facts(drive);
  const auto* cartridge = facts ? &*facts : nullptr;
  switch (page) {
    case page_code::kWritePolicy:
      return take_policy(drive, parameters);
    case page_code::kRekey:
      return take_rekey(drive, parameters);
    case page_code::kChallenge:
      return drive.key_path.challenge(TRY(scsi::ChallengePage::parse(parameters)), cartridge);
    case page_code::kAnswer:
      return take_answer(drive, parameters, cartridge);
    case page_code::kRefusal:
      return drive.key_path.refuse(TRY(scsi::RefusalPage::parse(parameters)));
    default:
      return scsi::invalid_in_cdb(2);
  }
}

}  // namespace tapewarden::tape
