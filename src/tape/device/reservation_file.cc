#include "tape/device/reservation_file.h"

#include <algorithm>

#include "base/crc32c.h"
#include "tape/device/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::string_view kMagic = "TWPRSV\n\x1a";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kMaxFile = kMaxRegistrants * (kMaxTransportId + 11) + 18;
constexpr std::uint16_t kOfferedTypes = 0b1'1110'1011;  // none, and bits 1, 3, 5, 6, 7, 8
constexpr std::uint8_t kWriteExclusiveAll = 7;
constexpr std::uint8_t kExclusiveAccessAll = 8;

std::unexpected<Error> wrong(const char* what) {
  return fail(ErrorCode::kCorrupt, std::string("kept reservations: ") + what);
}

// One holder where the type has one, none otherwise.
bool has_its_holder(const KeptReservations& kept) {
  const auto holders = std::ranges::count_if(kept.registrants, &KeptReservations::Registrant::holder);
  const bool of_all = kept.type == kWriteExclusiveAll || kept.type == kExclusiveAccessAll;
  if (kept.type == 0) return holders == 0;
  return !kept.registrants.empty() && holders == (of_all ? 0 : 1);
}

Result<KeptReservations::Registrant> read_registrant(ByteReader& in) {
  KeptReservations::Registrant registrant;
  registrant.key = TRY(in.u64("key"));
  const auto holder = TRY(in.u8("holder"));
  registrant.port = to_bytes(TRY(in.bytes16(kMaxTransportId, "port")));
  if (registrant.key == 0 || holder > 1 || registrant.port.empty()) return wrong("no such registrant");
  registrant.holder = holder == 1;
  return registrant;
}

}  // namespace

Bytes KeptReservations::encode() const {
  ByteWriter out;
  out.text(kMagic).u16(kVersion).u8(type).u8(0).u16(static_cast<std::uint16_t>(registrants.size()));
  for (const auto& registrant : registrants)
    out.u64(registrant.key).u8(registrant.holder ? 1 : 0).bytes16(registrant.port);
  out.u32(crc32c(out.view()));
  return out.take();
}

Result<KeptReservations> KeptReservations::decode(ByteView bytes) {
  if (bytes.size() < kMagic.size() + kChecksumBytes) return wrong("the file is cut short");
  const auto content = bytes.first(bytes.size() - kChecksumBytes);
  ByteReader tail(bytes.last(kChecksumBytes));
  if (TRY(tail.u32("checksum")) != crc32c(content)) return wrong("the checksum is wrong");
  ByteReader in(content);
  if (as_text(TRY(in.bytes(kMagic.size(), "magic"))) != kMagic) return wrong("it is another kind of file");
  if (TRY(in.u16("version")) != kVersion) return wrong("it was written by another version");
  KeptReservations kept;
  kept.type = TRY(in.u8("type"));
  if (kept.type > kExclusiveAccessAll || ((kOfferedTypes >> kept.type) & 1U) == 0)
    return wrong("no such type");
  if (TRY(in.u8("reserved")) != 0) return wrong("a reserved byte is set");
  const auto count = TRY(in.u16("registrants"));
  if (count > kMaxRegistrants) return wrong("too many registrants");
  for (std::uint16_t i = 0; i < count; ++i) kept.registrants.push_back(TRY(read_registrant(in)));
  TRY(in.expect_done("registrants"));
  if (!has_its_holder(kept)) return wrong("reservation and holder do not fit");
  return kept;
}

Result<std::shared_ptr<ReservationFile>> ReservationFile::open(Disk& disk, std::string path) {
  std::shared_ptr<ReservationFile> file(new ReservationFile(disk, std::move(path)));
  if (!disk.exists(file->path_)) return file;
  auto kept = KeptReservations::decode(TRY(read_file(disk, file->path_, kMaxFile)));
  if (!kept)
    return fail(kept.error().code, file->path_ + ": " + kept.error().message, "reservations",
                "move the file away: the hosts' reservations of this drive are forgotten then");
  file->kept_ = *std::move(kept);
  return file;
}

Status ReservationFile::keep(KeptReservations next) {
  if (next == kept_) return {};
  const auto folder = parent_directory(path_);
  if (!disk_.exists(folder)) {
    TRY(disk_.make_directories(folder));
    TRY(disk_.sync_directory(parent_directory(folder)));
  }
  TRY(write_file_atomically(disk_, path_, next.encode()));
  kept_ = std::move(next);
  return {};
}

}  // namespace tapewarden::tape
