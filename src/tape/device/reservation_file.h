// What of a device's persistent reservations survives power-off (APTPL, SPC-4 section 5.13.5): a file of its
// own for each device, rewritten as a whole (docs/formats/reservations.md). Not thread-safe; belongs to one
// device.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"

namespace tapewarden::tape {

struct KeptReservations {
  struct Registrant {
    Bytes port{};  // TransportID, never empty
    std::uint64_t key = 0;
    bool holder = false;
    bool operator==(const Registrant&) const = default;
  };
  std::vector<Registrant> registrants{};
  std::uint8_t type = 0;  // of the persistent reservation; 0: there is none

  bool operator==(const KeptReservations&) const = default;
  Bytes encode() const;
  // kCorrupt for anything that encode() does not write, a reservation without a holder among it.
  static Result<KeptReservations> decode(ByteView bytes);
};

class ReservationFile {
 public:
  // Reads what was kept; nothing where there is no file. kCorrupt with the remedy; kIo. `disk` must outlive
  // it.
  static Result<std::shared_ptr<ReservationFile>> open(Disk& disk, std::string path);

  const KeptReservations& kept() const { return kept_; }
  // Durable when this returns; after an error kept() is as before. Does nothing when nothing changed. kIo.
  Status keep(KeptReservations next);

 private:
  ReservationFile(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  Disk& disk_;
  const std::string path_;
  KeptReservations kept_{};
};

}  // namespace tapewarden::tape
