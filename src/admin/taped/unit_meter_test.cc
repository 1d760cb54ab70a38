#include "admin/taped/unit_meter.h"

#include <gtest/gtest.h>

#include "admin/taped/limits.h"
#include "scsi/sense_codes.h"

namespace tapewarden::admin {
namespace {

// Gives ten bytes for an empty command, takes half of what comes, and refuses operation code FFh.
class Unit final : public scsi::LogicalUnit {
 public:
  scsi::Response execute(const scsi::Command& command) override {
    if (command.cdb[0] == 0xff) return scsi::check_condition({.code = scsi::sense_codes::kMediumNotPresent});
    auto response = scsi::good(command.data_out.empty() ? Bytes(10) : Bytes{});
    response.data_out_used = command.cdb[0] == 0x01 ? 1000 : command.data_out.size() / 2;
    return response;
  }
  void nexus_lost(scsi::NexusId) override { ++lost; }
  void reset() override { ++resets; }
  int lost = 0;
  int resets = 0;
};

TEST(UnitMeter, U3_EachSessionIsCountedByItself) {
  const auto unit = std::make_shared<Unit>();
  UnitMeter meter(unit);
  const scsi::NexusId one{1};
  const scsi::NexusId other{2};
  const Bytes plain(6, 0);
  const Bytes greedy(6, 1);
  const Bytes refused(6, 0xff);
  const Bytes data(100, 7);
  EXPECT_TRUE(meter.execute({.cdb = plain, .nexus = one}).good());
  EXPECT_TRUE(meter.execute({.cdb = plain, .nexus = one, .data_out = data}).good());
  EXPECT_FALSE(meter.execute({.cdb = refused, .nexus = one}).good());
  // A unit that asked for more than came got what came.
  EXPECT_TRUE(meter.execute({.cdb = greedy, .nexus = other, .data_out = data}).good());
  const auto use = meter.use_of(one);
  EXPECT_EQ(use.commands, 3U);
  EXPECT_EQ(use.refused, 1U);
  EXPECT_EQ(use.bytes_in, 10U);
  EXPECT_EQ(use.bytes_out, 50U);
  EXPECT_EQ(meter.use_of(other).bytes_out, 100U);
  meter.nexus_lost(one);
  meter.reset();
  EXPECT_EQ(meter.use_of(one).commands, 0U);
  EXPECT_EQ(unit->lost, 1);
  EXPECT_EQ(unit->resets, 1);
}

TEST(UnitMeter, U3_SessionsBeyondTheLimitAreServedUncounted) {
  UnitMeter meter(std::make_shared<Unit>());
  const Bytes plain(6, 0);
  for (std::uint64_t i = 0; i <= kMaximumMeteredSessions; ++i)
    EXPECT_TRUE(meter.execute({.cdb = plain, .nexus = scsi::NexusId{i + 1}}).good());
  EXPECT_EQ(meter.use_of(scsi::NexusId{1}).commands, 1U);
  EXPECT_EQ(meter.use_of(scsi::NexusId{kMaximumMeteredSessions + 1}).commands, 0U);
}

}  // namespace
}  // namespace tapewarden::admin
