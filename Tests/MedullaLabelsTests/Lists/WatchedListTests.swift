import Foundation
import Testing

@testable import MedullaLabels

@Suite("Lists that change")
struct WatchedListTests {
  @Test("a broken new version is told of once and the old one stays; a mended one is taken")
  func broken() throws {
    try LabelCase.withFolder { folder in
      let path = folder + "/list"
      try LabelCase.write("10.0.0.0/8\n", to: path)
      let list = try WatchedList(path)
      let address = try #require(IPAddress("10.1.1.1"))
      #expect(list.refresh() == nil && list.longest(address) != nil)
      try LabelCase.write("what\nis\nthis\n", to: path)
      let told = try #require(list.refresh())
      #expect(told.contains("cannot be used; the 1 entries of before stay"), "\(told)")
      #expect(list.refresh() == nil && list.longest(address) != nil)
      try FileManager.default.removeItem(atPath: path)
      #expect(list.refresh()?.contains("is gone; its 1 entries stay") == true && list.refresh() == nil)
      #expect(list.longest(address) != nil)
      try LabelCase.write("192.0.2.0/24\nbad line\n192.0.3.0/24\n", to: path)
      #expect(list.refresh() == "\(path) has changed: 2 entries, 1 lines are none")
      #expect(list.longest(address) == nil && list.badLines == 1)
    }
  }

  @Test("a version with as many bytes is seen by its time, one of an old time by its place on the disk")
  func identity() throws {
    try LabelCase.withFolder { folder in
      let path = folder + "/list"
      try LabelCase.write("10.0.0.1\n", to: path)
      let list = try WatchedList(path)
      let time = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
      let file = try #require(FileHandle(forWritingAtPath: path))
      try file.write(contentsOf: Data("10.0.0.2\n".utf8))
      try file.close()
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
      #expect(list.refresh() != nil)
      try LabelCase.write("10.0.0.3\n", to: folder + "/other")
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: folder + "/other")
      _ = rename(folder + "/other", path)
      #expect(list.refresh() != nil && time != nil)
      #expect(try list.longest(#require(IPAddress("10.0.0.3"))) != nil)
    }
  }

  @Test("what is no file, or too large, is refused with what to do")
  func refused() throws {
    try LabelCase.withFolder { folder in
      for path in [folder, folder + "/none"] {
        let error = try #require(throws: ListError.self) { try WatchedList(path) }
        #expect(error.code == .unreadable && !error.remedy.isEmpty, "\(error)")
      }
      try LabelCase.write("0123456789", to: folder + "/ten")
      #expect(try BoundedFile.read(folder + "/ten", limit: 10).bytes.count == 10)
      let error = try #require(throws: ListError.self) { try BoundedFile.read(folder + "/ten", limit: 9) }
      #expect(error.code == .tooLarge)
    }
  }
}
