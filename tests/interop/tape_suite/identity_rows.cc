#include <algorithm>

#include "rows.h"
#include "scsi/inquiry.h"
#include "scsi/log_page.h"
#include "scsi/mode.h"
#include "scsi/position.h"
#include "words.h"

namespace tapewarden::suite {

using namespace words;

namespace {

Step type_is(std::uint8_t type) {
  return inquiry().look([type](const Answer& answer, const Places&) {
    const auto data = scsi::StandardInquiry::decode(answer.data);
    if (!data) return data.error().text();
    return want(data->device_type == type && data->removable, "another type of device");
  });
}
Step page_is(std::uint8_t page, std::size_t at_least) {
  return vital_page(page).look([page, at_least](const Answer& answer, const Places&) {
    const auto content = scsi::vpd_page_content(answer.data, page);
    if (!content) return content.error().text();
    return want(content->size() >= at_least, "the page is too short");
  });
}
// Page 00h lists itself and `page`.
Step lists(std::uint8_t page) {
  return vital_page(0).look([page](const Answer& answer, const Places&) {
    const auto content = scsi::vpd_page_content(answer.data, 0);
    if (!content) return content.error().text();
    return want(std::ranges::find(*content, page) != content->end() && std::ranges::is_sorted(*content),
                "the page is not listed, or the list is not in order");
  });
}
Step mode_page_is(std::uint8_t page, std::size_t body) {
  return mode_sense(page).look([page, body](const Answer& answer, const Places&) {
    const auto data = scsi::ModeParameters::decode(answer.data, false);
    if (!data) return data.error().text();
    const auto* found = data->find(page);
    return want(found != nullptr && found->body.size() == body,
                "the page is not there, or of another length");
  });
}
Step log_page_has(std::uint8_t page, std::uint16_t parameter) {
  return log_sense(page).look([page, parameter](const Answer& answer, const Places&) {
    const auto data = scsi::LogPage::decode(answer.data);
    if (!data) return data.error().text();
    return want(data->code == page && data->find(parameter) != nullptr, "the parameter is not there");
  });
}
Step density_is_listed(bool mounted) {
  return density_support(mounted).look([](const Answer& answer, const Places&) {
    constexpr std::size_t kDescriptor = 52;
    ByteReader reader(answer.data);
    const auto length = reader.u16("length");
    return want(length && *length == answer.data.size() - 2 && (*length - 2U) % kDescriptor == 0 &&
                    *length > kDescriptor,
                "the list is not of whole descriptors");
  });
}

}  // namespace

std::vector<Row> identity_rows() {
  return {
      {"INQUIRY: a tape drive with a removable medium", {type_is(scsi::kTapeDeviceType)}},
      {"INQUIRY: a medium changer", {type_is(scsi::kChangerDeviceType).on(Unit::kChanger)}},
      {"INQUIRY is cut to the allocation length", {inquiry(5).residual(0), inquiry(0)}},
      {"INQUIRY with a page code and without EVPD is refused",
       {plain("INQUIRY", {0x12, 0, 0x80, 0, 96, 0}, 96).check(codes::kInvalidFieldInCdb)}},
      {"INQUIRY of a LUN without a unit says so",
       {inquiry().on(Unit::kNone).look([](const Answer& answer, const Places&) {
         return want(!answer.data.empty() && answer.data[0] == 0x7f, "something is there");
       })}},
      {"other commands to a LUN without a unit are refused",
       {ready().on(Unit::kNone).check(codes::kLogicalUnitNotSupported)}},
      {"REPORT LUNS: the changer and two drives at least",
       {plain("REPORT LUNS", scsi::ReportLuns{.allocation_length = 1024}.encode(), 1024)
            .look([](const Answer& answer, const Places&) {
              ByteReader reader(answer.data);
              const auto bytes = reader.u32("length");
              return want(bytes && *bytes + 8 == answer.data.size() && *bytes >= 24 && *bytes % 8 == 0,
                          "another length");
            })}},
      {"VPD page 00 lists 80 and 83", {lists(0x80), lists(0x83), lists(0x83).on(Unit::kChanger)}},
      {"VPD page 80: a serial number", {page_is(0x80, 4), page_is(0x80, 4).on(Unit::kChanger)}},
      {"VPD page 83: a name of the unit", {page_is(0x83, 8), page_is(0x83, 8).on(Unit::kChanger)}},
      {"a VPD page that there is not", {vital_page(0x42).check(codes::kInvalidFieldInCdb)}},
      {"a command that there is not",
       {plain("command D3h", Bytes(10, 0xd3)).check(codes::kInvalidOpcode),
        plain("command D3h", Bytes(10, 0xd3)).on(Unit::kChanger).check(codes::kInvalidOpcode)}},
      {"TEST UNIT READY with a medium", {ready()}},
      {"REQUEST SENSE with nothing to tell", {request_sense().look([](const Answer& answer, const Places&) {
         const auto sense = scsi::Sense::decode(answer.data);
         return sense ? want(sense->code == codes::kNone, "a code") : sense.error().text();
       })}},
      {"READ BLOCK LIMITS: at least 256 KiB, from 4 bytes or fewer",
       {block_limits().look([](const Answer& answer, const Places&) {
         const auto limits = scsi::BlockLimits::decode(answer.data);
         if (!limits) return limits.error().text();
         return want(limits->maximum >= (256U << 10) && limits->minimum <= 4, "other limits");
       })}},
      {"MODE SENSE: header and block descriptor", {block_length_is(kFixed)}},
      {"MODE SENSE: data compression page", {mode_page_is(0x0f, 14)}},
      {"MODE SENSE: device configuration page", {mode_page_is(0x10, 14)}},
      {"MODE SENSE: medium configuration page", {mode_page_is(0x1d, 30)}},
      {"MODE SENSE(10): the same in its longer form",
       {plain("MODE SENSE(10) page 0f",
              scsi::ModeSense{.ten = true, .page = 0x0f, .allocation_length = 255}.encode(), 255)
            .look([](const Answer& answer, const Places&) {
              const auto data = scsi::ModeParameters::decode(answer.data, true);
              if (!data) return data.error().text();
              return want(
                  data->descriptor && data->descriptor->block_length == kFixed && data->find(0x0f) != nullptr,
                  "no descriptor or no page");
            })}},
      {"MODE SENSE is cut to the allocation length", {mode_sense(0x0f, 4).residual(0)}},
      {"MODE SENSE: a page that there is not", {mode_sense(0x2b).check(codes::kInvalidFieldInCdb)}},
      {"MODE SENSE: saved values are not offered",
       {plain("MODE SENSE saved", {0x1a, 0, 0xcf, 0, 255, 0}, 255).check(codes::kSavingNotSupported)}},
      {"MODE SELECT of another host is told by a unit attention",
       {select_block_length(1024).other_host(), ready().first().check(codes::kModeParametersChanged),
        ready().first(), block_length_is(1024)}},
      {"MODE SELECT with a list that ends early is refused",
       {plain("MODE SELECT", scsi::ModeSelect{.parameter_length = 6}.encode(), 0, {0, 0, 0x10, 8, 0, 0})
            .check(codes::kParameterListLengthError),
        block_length_is(kFixed)}},
      {"REPORT DENSITY SUPPORT of the drive", {density_is_listed(false)}},
      {"REPORT DENSITY SUPPORT of the medium", {density_is_listed(true)}},
      {"REPORT SUPPORTED OPERATION CODES: READ is one",
       {plain("REPORT SUPPORTED OPERATION CODES", {0xa3, 0x0c, 0x01, 0x08, 0, 0, 0, 0, 1, 0, 0, 0}, 256)
            .look([](const Answer& answer, const Places&) {
              constexpr std::uint8_t kSupport = 0x07, kByStandard = 0x03;
              return want(answer.data.size() >= 2 && (answer.data[1] & kSupport) == kByStandard, "it is not");
            })}},
      {"READ ATTRIBUTE: the medium's serial number",
       {plain("READ ATTRIBUTE",
              scsi::ReadAttribute{.first_attribute = 0x0401, .allocation_length = 1024}.encode(), 1024)
            .look([](const Answer& answer, const Places&) {
              ByteReader reader(answer.data);
              const auto length = reader.u32("length");
              const auto code = reader.u16("attribute");
              return want(length && *length > 5 && code && *code == 0x0401, "no such attribute");
            })}},
      {"SECURITY PROTOCOL IN: tape data encryption is listed",
       {plain("SECURITY PROTOCOL IN", scsi::SecurityProtocolIn{.allocation_length = 256}.encode(), 256)
            .look([](const Answer& answer, const Places&) {
              constexpr std::size_t kList = 8;
              const auto& data = answer.data;
              return want(
                  data.size() > kList && std::find(data.begin() + kList, data.end(), 0x20) != data.end(),
                  "it is not");
            })}},
      {"LOG SENSE: the pages that there are", {log_sense(0).look([](const Answer& answer, const Places&) {
         return want(answer.data.size() > 4 && answer.data[0] == 0, "no list of pages");
       })}},
      {"LOG SENSE: bytes written", {log_page_has(0x0c, 0)}},
      {"LOG SENSE: TapeAlert", {log_page_has(0x2e, 1)}},
      {"LOG SENSE: a page that there is not", {log_sense(0x2b).check(codes::kInvalidFieldInCdb)}},
  };
}

}  // namespace tapewarden::suite
