// What the tests of sessions have in common: commands, and what came back for them. Values; one thread.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "iscsi/lun.h"
#include "iscsi/testing/bench.h"
#include "scsi/sense_codes.h"

namespace tapewarden::iscsi::testing {

inline constexpr std::uint8_t kRead = 0x08;
inline constexpr std::uint8_t kWrite = 0x0a;
inline const Bytes kReadCdb{kRead, 0, 0, 0, 1, 0};
inline const Bytes kWriteCdb{kWrite, 0, 0, 0, 1, 0};
inline const Bytes kTestUnitReady(6, 0);

inline Bytes counted(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

inline ScsiResponsePdu response_of(const Pdu& pdu) {
  EXPECT_TRUE(pdu.header.is(Opcode::kScsiResponse)) << unsigned{pdu.header.opcode()};
  return ScsiResponsePdu::decode(pdu.header);
}

inline scsi::SenseCode sense_of(const Pdu& pdu) {
  EXPECT_EQ(response_of(pdu).status, 2);
  const auto segment = decode_sense_segment(pdu.data);
  return segment ? scsi::Sense::decode(*segment)->code : scsi::SenseCode{};
}

class IscsiSession : public ::testing::Test {
 protected:
  IscsiSession() { bench.login({{"MaxBurstLength", "1024"}, {"FirstBurstLength", "512"}}); }

  ScsiCommandPdu start_write(std::uint32_t bytes) {
    auto command = bench.command(kWriteCdb, bytes, true);
    EXPECT_TRUE(bench.feed(command.encode()).has_value());
    r2t = R2tPdu::decode(bench.one().header);
    return command;
  }
  Status data_out(const ScsiCommandPdu& command, std::uint32_t number, std::uint32_t offset,
                  std::size_t bytes, bool final) {
    const DataOutPdu data{.final = final,
                          .task_tag = command.task_tag,
                          .transfer_tag = r2t.transfer_tag,
                          .data_sn = number,
                          .offset = offset};
    return bench.feed(data.encode(), Bytes(bytes, 1));
  }
  TaskAnswer manage(TaskFunction function, std::uint32_t referenced = kNoTag, std::uint64_t lun = 0) {
    const TaskRequestPdu request{.function = static_cast<std::uint8_t>(function),
                                 .lun = lun,
                                 .task_tag = bench.next_tag(),
                                 .referenced_tag = referenced,
                                 .cmd_sn = bench.cmd_sn};
    EXPECT_TRUE(bench.feed(request.encode()).has_value());
    bench.run();
    const auto pdu = bench.one();
    EXPECT_TRUE(pdu.header.is(Opcode::kTaskResponse));
    return TaskResponsePdu::decode(pdu.header).answer;
  }

  Bench bench;
  R2tPdu r2t;
};

}  // namespace tapewarden::iscsi::testing
