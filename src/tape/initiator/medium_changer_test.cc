// The typed changer API against the virtual library in this process, and against devices that answer
// nonsense.
#include "tape/initiator/medium_changer.h"

#include <gtest/gtest.h>

#include "tape/library/library_test_kit.h"

namespace tapewarden::tape::test {
namespace {

using scsi::ElementType;

template <typename T>
T ok(TapeResult<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
void ok(const TapeStatus& status) {
  if (!status) throw std::runtime_error(status.error().text());
}
template <typename T>
TapeFault fault(const TapeResult<T>& result) {
  return result ? TapeFault::kOther : result.error().fault;
}

struct ChangerBench : LibraryBench {
  Changer device{*library, {.serial = "TWL0000001"}};
  InProcessTransport transport{device, scsi::NexusId{50}};
  MediumChanger changer{transport};
  scsi::ElementAddressAssignment layout;

  ChangerBench() {
    (void)ok(changer.drain_attentions());
    layout = ok(changer.layout());
  }
  std::string tag_at(ElementType type, std::uint16_t address) {
    for (const auto& element : ok(changer.elements(layout, type)))
      if (element.address == address) return element.volume_tag;
    return "no such element";
  }
};

TEST(MediumChanger, T4_WhoItIsAndWhereItsElementsAre) {
  ChangerBench bench;
  EXPECT_EQ(ok(bench.changer.inquiry()).product, "VIRTUAL LIBRARY");
  EXPECT_EQ(ok(bench.changer.serial_number()), "TWL0000001");
  EXPECT_EQ(bench.layout, bench.spec.layout);
  ok(bench.changer.test_ready());
}

TEST(MediumChanger, T4_ElementsWithTagsAndDrives) {
  ChangerBench bench;
  const auto slots = ok(bench.changer.elements(bench.layout, ElementType::kStorage));
  ASSERT_EQ(slots.size(), 8U);
  EXPECT_EQ(slots[0].volume_tag, "A00001L9");
  EXPECT_TRUE(slots[4].full);
  EXPECT_FALSE(slots[5].full);
  const auto drives =
      ok(bench.changer.elements(bench.layout, ElementType::kDataTransfer, {.device_ids = true}));
  ASSERT_EQ(drives.size(), 3U);
  EXPECT_TRUE(drives[1].identifier.ends_with("1000000002")) << drives[1].identifier;
  EXPECT_TRUE(ok(bench.changer.elements(bench.layout, ElementType::kDataTransfer))[0].identifier.empty());
}

TEST(MediumChanger, T4_Moves) {
  ChangerBench bench;
  ok(bench.changer.move(kSlot, kDrive));
  const auto drives = ok(bench.changer.elements(bench.layout, ElementType::kDataTransfer));
  EXPECT_EQ(drives[0].volume_tag, "A00001L9");
  EXPECT_EQ(drives[0].source, kSlot);
  EXPECT_EQ(fault(bench.changer.move(kSlot, kDrive)), TapeFault::kIllegalRequest);
  EXPECT_EQ(bench.changer.move(kSlot + 1, kDrive).error().sense.code, codes::kDestinationFull);
  ok(bench.changer.exchange(kSlot + 1, kDrive, kSlot));
  EXPECT_EQ(bench.tag_at(ElementType::kStorage, kSlot), "A00001L9");
  EXPECT_EQ(bench.tag_at(ElementType::kDataTransfer, kDrive), "A00002L9");
  ok(bench.changer.initialize());
  ok(bench.changer.prevent_removal(true));
  ok(bench.changer.prevent_removal(false));
}

TEST(MediumChanger, T4_AttentionsAreToldNotSwallowed) {
  ChangerBench bench;
  bench.device.reset();
  EXPECT_EQ(fault(bench.changer.move(kSlot, kDrive)), TapeFault::kUnitAttention);
  bench.device.reset();
  EXPECT_EQ(ok(bench.changer.drain_attentions()), (std::vector<scsi::SenseCode>{codes::kBusDeviceReset}));
}

// A device that answers every command with the same bytes.
class Canned final : public Transport {
 public:
  Result<TransportAnswer> execute(ByteView, ByteView, std::size_t limit, std::chrono::milliseconds) override {
    if (lost) return fail(ErrorCode::kTimeout, "no answer");
    auto data = answer;
    if (data.size() > limit) data.resize(limit);
    return TransportAnswer{scsi::ScsiStatus::kGood, {}, data};
  }
  bool on_local_bus() const override { return true; }
  Bytes answer;
  bool lost = false;
};

TEST(MediumChanger, T4_NonsenseIsAnErrorOfTheDevice) {
  Canned canned;
  MediumChanger changer(canned);
  EXPECT_EQ(fault(changer.inquiry()), TapeFault::kTransport);
  EXPECT_EQ(fault(changer.layout()), TapeFault::kTransport);
  EXPECT_EQ(fault(changer.serial_number()), TapeFault::kTransport);
  canned.answer = scsi::StandardInquiry{}.encode();  // a tape drive
  EXPECT_EQ(fault(changer.inquiry()), TapeFault::kOther);
  canned.lost = true;
  EXPECT_EQ(fault(changer.test_ready()), TapeFault::kTransport);
  EXPECT_EQ(fault(changer.drain_attentions()), TapeFault::kTransport);
}

TEST(MediumChanger, T4_OnlyTheElementsAskedForAreTaken) {
  Canned canned;
  MediumChanger changer(canned);
  const scsi::ElementAddressAssignment layout{.storage = {1000, 2}};
  const auto answered = [&](ElementType type, std::initializer_list<std::uint16_t> addresses) {
    scsi::ElementPage page{.type = type, .volume_tags = true};
    for (const auto address : addresses) page.descriptors.push_back({.address = address});
    page.available = static_cast<std::uint32_t>(addresses.size());
    canned.answer = scsi::ElementStatusData{1000, 2, {page}}.encode();
    return fault(changer.elements(layout, ElementType::kStorage));
  };
  EXPECT_EQ(answered(ElementType::kStorage, {1000, 1001}), TapeFault::kOther);  // all right
  EXPECT_EQ(answered(ElementType::kStorage, {1000}), TapeFault::kTransport);
  EXPECT_EQ(answered(ElementType::kStorage, {1000, 1000}), TapeFault::kTransport);
  EXPECT_EQ(answered(ElementType::kStorage, {1000, 1001, 1002}), TapeFault::kTransport);
  EXPECT_EQ(answered(ElementType::kStorage, {1001, 1002}), TapeFault::kTransport);
  EXPECT_EQ(answered(ElementType::kDataTransfer, {1000, 1001}), TapeFault::kTransport);
  EXPECT_EQ(answered(ElementType::kStorage, {1000, 1001}), TapeFault::kOther);
  const auto whole = canned.answer;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    canned.answer = Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(fault(changer.elements(layout, ElementType::kStorage)), TapeFault::kTransport) << size;
  }
}

TEST(MediumChanger, T4_ManySlotsComeInPieces) {
  testing::SimEnv sim{3};
  auto spec = small_spec(1234);
  ASSERT_TRUE(LibraryFolder::create(sim.env(), spec));
  std::vector<std::shared_ptr<DriveBay>> bays;
  for (std::size_t i = 0; i < spec.drives.size(); ++i)
    bays.push_back(
        std::make_shared<DriveBay>(std::make_unique<Drive>(sim.env(), identity_of(i), DriveOptions{})));
  const auto library = take(Library::open(take(LibraryFolder::open(sim.env(), spec)), std::move(bays)));
  Changer device(*library, {.serial = "TWL0000001"});
  InProcessTransport transport(device, scsi::NexusId{50});
  MediumChanger changer(transport);
  (void)ok(changer.drain_attentions());
  const auto slots = ok(changer.elements(ok(changer.layout()), ElementType::kStorage));
  ASSERT_EQ(slots.size(), 1234U);
  EXPECT_EQ(slots.back().address, kSlot + 1233);
}

}  // namespace
}  // namespace tapewarden::tape::test
