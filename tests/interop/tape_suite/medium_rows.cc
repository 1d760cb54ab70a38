#include "rows.h"
#include "words.h"

namespace tapewarden::suite {

using namespace words;

namespace {

constexpr std::uint32_t kLarge = 16U << 10;

// PERSISTENT RESERVE OUT of type exclusive access, with the parameters that belong to it.
Step persistent(const std::string& words, std::uint8_t action, std::uint64_t key, std::uint64_t new_key) {
  constexpr std::uint8_t kExclusiveAccess = 0x03;
  ByteWriter list;
  list.u64(key).u64(new_key).zeros(8);
  ByteWriter cdb;
  cdb.u8(0x5f).u8(action).u8(action == 0 ? 0 : kExclusiveAccess).zeros(2).u32(24).zeros(1);
  return plain("PERSISTENT RESERVE OUT " + words, cdb.take(), 0, list.take());
}
Step verify_blocks(std::uint32_t count) {
  return plain("VERIFY", scsi::Verify6{.fixed = true, .length = count}.encode());
}

// Page 11h: two partitions, the first of so many megabytes, the second the rest (IDP, PSUM: megabytes).
Step ask_for_two(std::uint8_t megabytes) {
  ByteWriter list;
  list.zeros(2).u8(0x10).u8(0).u8(0x11).u8(0x0a).u8(1).u8(1).u8(0x34).u8(3).zeros(2).u16(megabytes).u16(
      0xffff);
  auto out = list.take();
  const auto size = static_cast<std::uint8_t>(out.size());
  return plain("MODE SELECT page 11", Bytes{0x15, 0x10, 0, 0, size, 0}, 0, std::move(out));
}
Step format(std::uint8_t how) {
  return plain("FORMAT MEDIUM " + std::to_string(how), scsi::FormatMedium{.format = how}.encode());
}
Step to_partition(std::uint8_t number) {
  return plain("LOCATE(10) partition " + std::to_string(number),
               scsi::Locate{.change_partition = true, .partition = number}.encode());
}

// A cartridge of 4 MiB in the second drive.
std::vector<Step> small_one(std::vector<Step> then) {
  std::vector<Step> steps = {move(slot(5), drive(1)), ready().on(Unit::kSecondDrive)};
  for (auto& step : then) steps.push_back(step.on(Unit::kSecondDrive));
  return steps;
}
// One that is written once, in the second drive.
std::vector<Step> written_once(std::vector<Step> then) {
  auto steps = small_one(std::move(then));
  steps[0] = move(slot(7), drive(1));
  return steps;
}
// One that nobody has written to.
std::vector<Step> blank(std::vector<Step> then) {
  auto steps = small_one(std::move(then));
  steps[0] = move(slot(2), drive(1));
  return steps;
}

}  // namespace

std::vector<Row> medium_rows() {
  return {
      {"a blank cartridge: READ is a blank check",
       blank({read(100).check(codes::kEndOfDataDetected), rewind(),
              read(100).check(codes::kEndOfDataDetected)})},
      {"a blank cartridge: SPACE finds the end of data",
       blank({space_blocks(1).check(codes::kEndOfDataDetected).information(1)})},
      {"ERASE at the beginning leaves nothing",
       {write(100), filemarks(1), rewind(), erase(), rewind(), read(100).check(codes::kEndOfDataDetected)}},
      {"ERASE in the middle leaves what is before",
       {write(100, 1), write(100, 2), rewind(), space_blocks(1), erase(), rewind(),
        read(100).data(block(1, 100)), read(100).check(codes::kEndOfDataDetected)}},
      {"FORMAT MEDIUM at the beginning leaves nothing",
       {write(100), filemarks(1), rewind(), plain("FORMAT MEDIUM", scsi::FormatMedium{}.encode()), rewind(),
        read(100).check(codes::kEndOfDataDetected)}},
      {"FORMAT MEDIUM makes two partitions, each with blocks of its own",
       {format(0), ask_for_two(10), format(2), write(100, 1), write(100, 2), to_partition(1), write(100, 3),
        at(1), rewind(), read(100).data(block(3, 100)), read(100).check(codes::kEndOfDataDetected),
        to_partition(0), read(100).data(block(1, 100)), read(100).data(block(2, 100)), rewind(), format(0),
        read(100).check(codes::kEndOfDataDetected), to_partition(1).check(codes::kInvalidFieldInCdb)}},
      {"FORMAT MEDIUM behind the beginning is refused",
       {write(100),
        plain("FORMAT MEDIUM", scsi::FormatMedium{}.encode()).check(codes::kPositionPastBeginning)}},
      {"VERIFY reads without sending, and stops at a filemark",
       {write_fixed(3), filemarks(1), rewind(), verify_blocks(2), read_fixed(1), rewind(),
        verify_blocks(5).filemark().information(2)}},
      {"near the end of the medium a WRITE is done, and told of",
       small_one({write(kLarge).while_good().check(codes::kEndOfMediumReached).end_of_medium()})},
      {"at the end of the medium a WRITE is volume overflow",
       small_one({write(kLarge).while_good().check(codes::kEndOfMediumReached).end_of_medium(),
                  write(kLarge)
                      .while_ends(codes::kEndOfMediumReached)
                      .check(codes::kVolumeFull)
                      .end_of_medium()
                      .information(kLarge),
                  filemarks(1).check(codes::kEndOfMediumReached).end_of_medium(), rewind(),
                  read(kLarge).data(block(1, kLarge))})},
      {"written once: data are appended", written_once({space_to_end(), write(100), filemarks(1)})},
      {"written once: what is there cannot be overwritten",
       written_once({space_to_end(), write(100), rewind(), write(100).check(codes::kWormOverwrite),
                     filemarks(1).check(codes::kWormOverwrite)})},
      {"written once: what is there cannot be erased",
       written_once({space_to_end(), write(100), rewind(), erase().check(codes::kWormOverwrite)})},
      {"UNLOAD, and commands that need the medium are not ready",
       {write(100), unload(), ready().check(codes::kInitializingCommandRequired),
        read(100).check(codes::kInitializingCommandRequired), inquiry()}},
      {"LOAD after UNLOAD: ready at the beginning",
       {write(100), unload(), load(), ready(), read(100).data(block(1, 100))}},
      {"LOAD after UNLOAD is told to the other host by a unit attention",
       {unload(), load(), ready().other_host().first().check(codes::kMediumMayHaveChanged),
        ready().other_host().first()}},
      {"an empty drive is not ready, and says who it is",
       {ready().on(Unit::kSecondDrive).check(codes::kMediumNotPresent),
        rewind().on(Unit::kSecondDrive).check(codes::kMediumNotPresent), inquiry().on(Unit::kSecondDrive)}},
      {"a cartridge that the changer brings is told of by a unit attention, once",
       {move(slot(2), drive(1)), ready().on(Unit::kSecondDrive).first().check(codes::kMediumMayHaveChanged),
        ready().on(Unit::kSecondDrive).first()}},
      {"INQUIRY does not take a unit attention away",
       {move(slot(2), drive(1)), inquiry().on(Unit::kSecondDrive).first(),
        ready().on(Unit::kSecondDrive).first().check(codes::kMediumMayHaveChanged)}},
      {"PREVENT: UNLOAD is refused, and goes after ALLOW",
       {prevent_removal(), unload().check(codes::kMediumRemovalPrevented), ready(), allow_removal(),
        unload()}},
      {"PREVENT of one host holds for the other",
       {prevent_removal().other_host(), unload().check(codes::kMediumRemovalPrevented),
        allow_removal().other_host(), unload()}},
      {"PREVENT of the drive: the changer cannot take the cartridge",
       {prevent_removal(), move(drive(0), slot(8)).check(codes::kRemovalPreventedByDrive), allow_removal(),
        move(drive(0), slot(8))}},
      {"a persistent reservation keeps the other host away until it is released",
       {persistent("register", 0, 0, 0x77), persistent("reserve", 1, 0x77, 0),
        read(10).other_host().status(scsi::ScsiStatus::kReservationConflict), ready(), inquiry().other_host(),
        persistent("release", 2, 0x77, 0), rewind().other_host(), persistent("unregister", 0, 0x77, 0)}},
      {"a persistent reservation with another key is refused",
       {persistent("register", 0, 0, 0x77),
        persistent("reserve", 1, 0x78, 0).status(scsi::ScsiStatus::kReservationConflict),
        persistent("unregister", 0, 0x77, 0)}},
      {"RESERVE keeps the other host away until RELEASE",
       {reserve(), ready().other_host().status(scsi::ScsiStatus::kReservationConflict), ready(),
        inquiry().other_host(), release(), ready().other_host()}},
      {"RELEASE by the other host changes nothing",
       {reserve(), release().other_host(),
        ready().other_host().status(scsi::ScsiStatus::kReservationConflict)}},
  };
}

}  // namespace tapewarden::suite
