// Command descriptor blocks of medium changers (SMC-3, clause of commands; MOVE MEDIUM and READ ELEMENT
// STATUS are where hosts find them in SMC-2 too). Their codes stand apart from cdb.h's: 1Bh and 2Bh mean
// something else to a tape drive. decode() as there. Pure, thread-safe.
#pragma once

#include "scsi/cdb.h"
#include "scsi/element_status.h"

namespace tapewarden::scsi {

namespace changer_opcode {
inline constexpr auto kInitializeElementStatus = static_cast<Opcode>(0x07);
inline constexpr auto kPositionToElement = static_cast<Opcode>(0x2b);
inline constexpr auto kInitializeElementStatusWithRange = static_cast<Opcode>(0x37);
inline constexpr auto kMoveMedium = static_cast<Opcode>(0xa5);
inline constexpr auto kExchangeMedium = static_cast<Opcode>(0xa6);
inline constexpr auto kReadElementStatus = static_cast<Opcode>(0xb8);
// The code of INITIALIZE ELEMENT STATUS WITH RANGE before SMC gave it 37h; mtx sends it.
inline constexpr auto kInitializeElementStatusWithRangeOld = static_cast<Opcode>(0xe7);
}  // namespace changer_opcode

// nullptr for a code that no changer command here has.
const CdbFormat* find_changer_cdb_format(std::uint8_t opcode);

// INITIALIZE ELEMENT STATUS and, with a range, INITIALIZE ELEMENT STATUS WITH RANGE (SMC-3).
struct InitializeElementStatus {
  bool range = false;
  std::uint16_t first = 0;  // with a range
  std::uint16_t count = 0;
  static Outcome<InitializeElementStatus> decode(ByteView cdb);
  Bytes encode() const;
};

// MOVE MEDIUM (SMC-3). Transport 0 means the changer's own choice.
struct MoveMedium {
  std::uint16_t transport = 0;
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
  bool invert = false;
  static Outcome<MoveMedium> decode(ByteView cdb);
  Bytes encode() const;
};

// EXCHANGE MEDIUM (SMC-3): from the source to the first destination, and what was there to the second.
struct ExchangeMedium {
  std::uint16_t transport = 0;
  std::uint16_t source = 0;
  std::uint16_t first_destination = 0;
  std::uint16_t second_destination = 0;
  bool invert = false;  // either of INV1 and INV2
  static Outcome<ExchangeMedium> decode(ByteView cdb);
  Bytes encode() const;
};

// POSITION TO ELEMENT (SMC-3).
struct PositionToElement {
  std::uint16_t transport = 0;
  std::uint16_t destination = 0;
  bool invert = false;
  static Outcome<PositionToElement> decode(ByteView cdb);
  Bytes encode() const;
};

// READ ELEMENT STATUS (SMC-3).
struct ReadElementStatus {
  bool volume_tags = false;  // VOLTAG
  ElementType type = ElementType::kAll;
  std::uint16_t first = 0;
  std::uint16_t count = 0;
  bool current_data = false;            // CURDATA: without moving anything
  bool device_ids = false;              // DVCID
  std::uint32_t allocation_length = 0;  // below 2^24
  static Outcome<ReadElementStatus> decode(ByteView cdb);
  Bytes encode() const;
};

}  // namespace tapewarden::scsi
