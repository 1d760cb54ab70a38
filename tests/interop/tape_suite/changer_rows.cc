#include "rows.h"
#include "scsi/element_status.h"
#include "words.h"

namespace tapewarden::suite {

using namespace words;
using scsi::ElementType;

namespace {

using Check = std::function<std::string(const scsi::ElementStatusData&, const Places&)>;

Step status(ElementType type, bool tags, bool identifiers, Check check) {
  return element_status(type, tags, identifiers).look([check](const Answer& answer, const Places& places) {
    const auto data = elements_of(answer);
    return data ? check(*data, places) : data.error().text();
  });
}
const scsi::ElementDescriptor* find(const scsi::ElementStatusData& data, std::uint16_t address) {
  for (const auto& page : data.pages)
    for (const auto& element : page.descriptors)
      if (element.address == address) return &element;
  return nullptr;
}
// The element holds the cartridge `tag`; empty: none.
Step holds(ElementType type, Address where, const std::string& tag) {
  return status(type, true, false, [where, tag](const scsi::ElementStatusData& data, const Places& places) {
    const auto* element = find(data, where(places));
    if (element == nullptr) return std::string("the element is not told");
    return want(element->full != tag.empty() && element->volume_tag == tag,
                "\"" + element->volume_tag + "\" there, not \"" + tag + "\"");
  });
}
Step slot_holds(unsigned number, const std::string& tag) {
  return holds(ElementType::kStorage, slot(number), tag);
}
Step drive_holds(unsigned number, const std::string& tag) {
  return holds(ElementType::kDataTransfer, drive(number), tag);
}
Step has_all_types() {
  return status(ElementType::kAll, true, false,
                [](const scsi::ElementStatusData& data, const Places& places) {
                  std::size_t told = 0;
                  for (const auto& page : data.pages) told += page.descriptors.size();
                  const auto& all = places.elements;
                  const std::size_t there = std::size_t{all.transport.count} + all.storage.count +
                                            all.import_export.count + all.data_transfer.count;
                  return want(told == there && data.available == there,
                              std::to_string(told) + " elements, not " + std::to_string(there));
                });
}
Step source_of_drive_is(unsigned number) {
  return status(ElementType::kDataTransfer, true, false,
                [number](const scsi::ElementStatusData& data, const Places& places) {
                  const auto* element = find(data, places.drive(0));
                  return want(element != nullptr && element->source == places.slot(number), "another source");
                });
}
Step drives_tell_who_they_are() {
  return status(ElementType::kDataTransfer, false, true,
                [](const scsi::ElementStatusData& data, const Places& places) {
                  const auto* first = find(data, places.drive(0));
                  const auto* second = find(data, places.drive(1));
                  return want(first != nullptr && second != nullptr && !first->identifier.empty() &&
                                  first->identifier != second->identifier,
                              "no identifiers, or the same");
                });
}

constexpr const char* kScratch = "TW0001L9";
constexpr const char* kThird = "TW0003L9";
constexpr const char* kFourth = "TW0004L9";

}  // namespace

std::vector<Row> changer_rows() {
  return {
      {"READ ELEMENT STATUS: every element once", {has_all_types()}},
      {"READ ELEMENT STATUS: the count in the header is of all that follows",
       {element_status(ElementType::kStorage, true, false).look([](const Answer& answer, const Places&) {
         const auto data = scsi::ElementStatusData::decode(answer.data);
         return data ? std::string() : data.error().text();
       })}},
      {"READ ELEMENT STATUS: volume tags",
       {slot_holds(3, kThird), slot_holds(8, ""), drive_holds(0, kScratch)}},
      {"READ ELEMENT STATUS: a drive tells where its cartridge came from",
       {move(drive(0), slot(1)), move(slot(1), drive(0)), source_of_drive_is(1)}},
      {"READ ELEMENT STATUS with DVCID: drives tell who they are", {drives_tell_who_they_are()}},
      {"READ ELEMENT STATUS of one type tells no other",
       {status(ElementType::kStorage, false, false,
               [](const scsi::ElementStatusData& data, const Places& places) {
                 return want(data.pages.size() == 1 && data.pages[0].type == ElementType::kStorage &&
                                 data.pages[0].descriptors.size() == places.elements.storage.count,
                             "other pages");
               })}},
      {"READ ELEMENT STATUS with room for a header tells how much there is",
       {element_status(ElementType::kAll, true, false, 8).look([](const Answer& answer, const Places&) {
         return want(answer.data.size() == 8 && (answer.data[5] | answer.data[6] | answer.data[7]) != 0,
                     "no length");
       })}},
      {"READ ELEMENT STATUS from behind all elements tells none",
       {plain("READ ELEMENT STATUS",
              scsi::ReadElementStatus{.first = 0xfff0, .count = 1, .allocation_length = 255}.encode(), 255)
            .on(Unit::kChanger)
            .look([](const Answer& answer, const Places&) {
              const auto data = scsi::ElementStatusData::decode(answer.data);
              return data ? want(data->available == 0 && data->pages.empty(), "elements")
                          : data.error().text();
            })}},
      {"MOVE MEDIUM between slots", {move(slot(3), slot(8)), slot_holds(8, kThird), slot_holds(3, "")}},
      {"MOVE MEDIUM into a drive and back",
       {move(slot(3), drive(1)), drive_holds(1, kThird), move(drive(1), slot(3)), slot_holds(3, kThird)}},
      {"MOVE MEDIUM from drive to drive",
       {move(drive(0), drive(1)), drive_holds(1, kScratch), drive_holds(0, "")}},
      {"MOVE MEDIUM to the import/export element",
       {move(slot(3), port()), holds(ElementType::kImportExport, port(), kThird), move(port(), slot(3))}},
      {"MOVE MEDIUM from an empty element",
       {move(slot(8), drive(1)).check(codes::kSourceEmpty), drive_holds(1, "")}},
      {"MOVE MEDIUM to a full element",
       {move(slot(3), slot(4)).check(codes::kDestinationFull), slot_holds(3, kThird),
        slot_holds(4, kFourth)}},
      {"MOVE MEDIUM to a full drive",
       {move(slot(3), drive(0)).check(codes::kDestinationFull), drive_holds(0, kScratch)}},
      {"MOVE MEDIUM from and to elements that there are not",
       {move(nowhere(), slot(8)).check(codes::kInvalidElementAddress),
        move(slot(3), nowhere()).check(codes::kInvalidElementAddress), slot_holds(3, kThird)}},
      {"EXCHANGE MEDIUM: two change places",
       {exchange(slot(3), slot(4), slot(3)), slot_holds(3, kFourth), slot_holds(4, kThird)}},
      {"EXCHANGE MEDIUM: one in, the other aside",
       {exchange(slot(3), drive(0), slot(8)), drive_holds(0, kThird), slot_holds(8, kScratch),
        slot_holds(3, "")}},
      {"EXCHANGE MEDIUM with an empty source",
       {exchange(slot(8), slot(4), slot(8)).check(codes::kSourceEmpty), slot_holds(4, kFourth)}},
      {"EXCHANGE MEDIUM to a second destination that is full",
       {exchange(slot(3), slot(4), slot(2)).check(codes::kDestinationFull), slot_holds(3, kThird),
        slot_holds(4, kFourth)}},
      {"INITIALIZE ELEMENT STATUS", {initialize(), slot_holds(3, kThird)}},
      {"POSITION TO ELEMENT", {position_to(slot(3))}},
      {"POSITION TO ELEMENT that there is not",
       {position_to(nowhere()).check(codes::kInvalidElementAddress)}},
      {"MODE SENSE 1D: element addresses",
       {mode_sense(0x1d).on(Unit::kChanger).look([](const Answer& answer, const Places& places) {
         const auto data = scsi::ModeParameters::decode(answer.data, false);
         if (!data || data->find(0x1d) == nullptr) return std::string("no page");
         const auto page = scsi::ElementAddressAssignment::decode(*data->find(0x1d));
         return want(page && *page == places.elements && page->check() && page->storage.count == 8 &&
                         page->data_transfer.count == 2,
                     "other addresses");
       })}},
      {"MODE SENSE 1E: transport geometry",
       {mode_sense(0x1e).on(Unit::kChanger).look([](const Answer& answer, const Places&) {
         const auto data = scsi::ModeParameters::decode(answer.data, false);
         return want(data && data->find(0x1e) != nullptr && data->find(0x1e)->body.size() == 2, "no page");
       })}},
      {"MODE SENSE 1F: slots and drives store, slots go to drives and back",
       {mode_sense(0x1f).on(Unit::kChanger).look([](const Answer& answer, const Places&) {
         const auto data = scsi::ModeParameters::decode(answer.data, false);
         if (!data || data->find(0x1f) == nullptr) return std::string("no page");
         const auto& body = data->find(0x1f)->body;
         constexpr std::uint8_t kSlots = 0x02, kDrives = 0x08;
         if (body.size() != 18) return std::string("another length");
         return want((body[0] & (kSlots | kDrives)) == (kSlots | kDrives) && (body[3] & kDrives) != 0 &&
                         (body[5] & kSlots) != 0,
                     "other capabilities");
       })}},
      {"MODE SENSE 3F of a changer: all pages",
       {mode_sense(0x3f).on(Unit::kChanger).look([](const Answer& answer, const Places&) {
         const auto data = scsi::ModeParameters::decode(answer.data, false);
         return want(data && data->find(0x1d) && data->find(0x1e) && data->find(0x1f), "a page is missing");
       })}},
      {"PREVENT of the changer is taken",
       {prevent_removal().on(Unit::kChanger), allow_removal().on(Unit::kChanger)}},
      {"RESERVE of the changer keeps the other host away",
       {reserve().on(Unit::kChanger),
        move(slot(3), slot(8)).other_host().status(scsi::ScsiStatus::kReservationConflict),
        release().on(Unit::kChanger), move(slot(3), slot(8)).other_host()}},
  };
}

}  // namespace tapewarden::suite
