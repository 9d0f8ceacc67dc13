//! Writes a record: one line per run, on disk before the next run begins.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use super::{Header, Line, Record, Run, Samples, TimePoint};

/// The most samples saved of a run: all of the 1,000 requests of most workloads, and of larger ones enough for a
/// picture of the beginning.
const MOST_SAMPLES: usize = 2_000;

/// The most contenders of which samples are saved, the first that run. Samples are the largest part of a record and
/// are for pictures of single requests.
const MOST_SAMPLED_CONTENDERS: usize = 12;

/// An open record file that takes one run after another.
///
/// Every run keeps its figures and histograms. Samples and the timeline are kept of the first valid run of a contender
/// that is no warm-up, and of its first invalid one, for at most twelve contenders.
#[derive(Debug)]
pub struct Writer {
    file: File,
    header: Header,
    /// Contenders of which samples were saved, and whether of a valid run.
    sampled: HashSet<(String, bool)>,
    /// The length in bytes of all complete lines.
    length: u64,
    /// Whether the last write failed and may have left an incomplete line.
    torn: bool,
}

impl Writer {
    /// Creates a record at `path` with its header.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where there is a file already: a record is never
    /// overwritten. [`io::ErrorKind::InvalidInput`] where two contenders have one name. Else the system's error.
    pub fn create(path: &Path, header: &Header) -> io::Result<Writer> {
        refuse(header.flaw())?;
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        file.try_lock()?;
        let mut writer =
            Writer { file, header: header.clone(), sampled: HashSet::new(), length: 0, torn: false };
        writer.write_line(Line::Header(header))?;
        Ok(writer)
    }

    /// Continues the record at `path`: returns a writer that appends to it, and its content. An incomplete last line is
    /// removed.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where another writer has it open, as a benchmark that is still running does.
    /// [`io::ErrorKind::InvalidData`] with a [`RecordError`](super::RecordError) where it is not a record that this version
    /// reads. Else the system's error.
    pub fn reopen(path: &Path) -> io::Result<(Writer, Record)> {
        let mut file = OpenOptions::new().read(true).append(true).open(path)?;
        file.try_lock()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let record = Record::parse(path, &bytes)
            .map_err(|refused| io::Error::new(io::ErrorKind::InvalidData, refused))?;
        let mut length = bytes.len() as u64;
        if record.truncated {
            let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            length = complete as u64;
            file.set_len(length)?;
        } else if !bytes.ends_with(b"\n") {
            file.write_all(b"\n")?;
            length += 1;
        }
        let sampled = record.runs.iter().filter(|run| !run.samples.id.is_empty()).map(key).collect();
        Ok((Writer { file, header: record.header.clone(), sampled, length, torn: false }, record))
    }

    /// Saves `run`. When this returns, it is on disk.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] where the run could not be read back: its contender is not in
    /// the header, its columns differ in length, it is valid and has no figures, or a figure is
    /// not a finite number. Else the system's error, as on a full disk: earlier runs remain readable, and appending
    /// again is safe.
    pub fn append(&mut self, run: &Run) -> io::Result<()> {
        refuse(run.flaw(&self.header))?;
        let key = key(run);
        let keep = !run.warm_up && !self.sampled.contains(&key) && self.has_room_for(&run.contender);
        let samples = if keep { run.samples.truncated(MOST_SAMPLES) } else { Samples::default() };
        let timeline = if keep { TimePoint::thinned(&run.timeline) } else { Vec::new() };
        self.write_line(Line::Run(&Run { samples, timeline, ..run.clone() }))?;
        if keep {
            self.sampled.insert(key);
        }
        Ok(())
    }

    fn has_room_for(&self, contender: &str) -> bool {
        let names: HashSet<&str> = self.sampled.iter().map(|(name, _)| name.as_str()).collect();
        names.contains(contender) || names.len() < MOST_SAMPLED_CONTENDERS
    }

    fn write_line(&mut self, line: Line<&Header, &Run>) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        if self.torn {
            // A complete line after an incomplete one would make the rest of the file unreadable.
            self.file.set_len(self.length)?;
        }
        self.torn = true;
        // A single write, so that only a full disk or a kill can leave an incomplete line.
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.torn = false;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// The contender, and whether the run is valid.
fn key(run: &Run) -> (String, bool) {
    (run.contender.clone(), run.verdict.is_valid())
}

fn refuse(flaw: Option<String>) -> io::Result<()> {
    match flaw {
        Some(flaw) => Err(io::Error::new(io::ErrorKind::InvalidInput, flaw)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use crate::record::{ContenderFacts, FILE_NAME};

    /// A folder for a record, which is removed when this is dropped, and the path of the record's file in it.
    fn place() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        (folder, path)
    }

    fn reopened_in_vain(path: &Path) -> io::ErrorKind {
        Writer::reopen(path).unwrap_err().kind()
    }

    #[test]
    fn appended_runs_are_on_disk() {
        let (folder, path) = place();
        let record = example::short_record();
        let mut writer = Writer::create(&path, &record.header).unwrap();
        for (done, run) in record.runs.iter().enumerate() {
            assert_eq!(Record::read(&path).unwrap().runs.len(), done);
            writer.append(run).unwrap();
        }
        assert_eq!(Record::read(&path).unwrap(), record);
        assert_eq!(Record::read(folder.path()).unwrap(), record);
    }

    #[test]
    fn limited_samples_are_kept_of_one_valid_and_one_invalid_run() {
        let (_folder, path) = place();
        let mut record = example::record();
        record.runs.retain(|run| run.contender == "tokio:128"); // round 4 of 5 is invalid
        record.runs[0].warm_up = true;
        let many = Samples {
            id: (0..3_000).collect(),
            process: vec![0; 3_000],
            due_ns: (0..3_000).collect(),
            start_ns: (0..3_000).collect(),
            end_ns: (1..3_001).collect(),
            planned_ns: vec![0; 3_000],
            errors: vec![(7, "reset".to_owned()), (2_999, "reset".to_owned())],
            left_out: 0,
        };
        record.runs.iter_mut().for_each(|run| run.samples = many.clone());
        example::save(&record, &path);

        let read = Record::read(&path).unwrap();
        let kept: Vec<usize> = read.runs.iter().map(|run| run.samples.id.len()).collect();
        assert_eq!(kept, [0, 2_000, 0, 2_000, 0]);
        assert_eq!((read.runs[1].samples.left_out, read.runs[1].samples.due_ns.len()), (1_000, 2_000));
        assert_eq!(read.runs[1].samples.errors, [(7, "reset".to_owned())]);
    }

    #[test]
    fn samples_are_kept_of_the_first_contenders() {
        let (_folder, path) = place();
        let mut record = example::record();
        let facts = record.header.contenders[0].clone();
        let run = record.runs.iter().find(|run| !run.samples.id.is_empty()).unwrap().clone();
        let name = |number: usize| format!("model{number}:1");
        let many = 0..2 * MOST_SAMPLED_CONTENDERS;
        record.header.contenders =
            many.clone().map(|number| ContenderFacts { name: name(number), ..facts.clone() }).collect();
        let timeline = vec![TimePoint { at_ns: 1, cpu_percent: 1.0, memory_bytes: 1 }];
        record.runs = many
            .map(|number| Run { contender: name(number), timeline: timeline.clone(), ..run.clone() })
            .collect();
        example::save(&record, &path);

        let read = Record::read(&path).unwrap();
        for (number, run) in read.runs.iter().enumerate() {
            let kept = number < MOST_SAMPLED_CONTENDERS;
            assert_eq!((!run.samples.id.is_empty(), !run.timeline.is_empty()), (kept, kept), "{number}");
            assert!(run.latencies.whole.count() > 0, "histograms are kept of all");
        }
    }

    #[test]
    fn other_files_are_refused_and_unchanged() {
        let (_folder, path) = place();
        std::fs::write(&path, "precious").unwrap();
        let refused = Writer::create(&path, &example::short_record().header).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(reopened_in_vain(&path), io::ErrorKind::InvalidData);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_run_that_could_not_be_read_back_is_refused() {
        let (folder, path) = place();
        let record = example::short_record();
        let mut writer = Writer::create(&path, &record.header).unwrap();

        let spoil: [fn(&mut Run); 5] = [
            |run| run.contender = "nobody:1".to_owned(),
            |run| run.samples.end_ns.push(1),
            |run| run.samples.errors.push((usize::MAX, "reset".to_owned())),
            |run| run.figures = None,
            |run| run.figures.as_mut().unwrap().cpu_us_per_request = f64::NAN,
        ];
        for spoil in spoil {
            let mut run = record.runs[0].clone();
            spoil(&mut run);
            let refused = writer.append(&run).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{refused}");
        }

        let mut repeated = record.header.clone();
        repeated.contenders.push(repeated.contenders[0].clone());
        let refused = Writer::create(&folder.path().join("repeated.jsonl"), &repeated).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);

        assert!(Record::read(&path).unwrap().runs.is_empty());
        assert!(!folder.path().join("repeated.jsonl").exists());
    }

    #[test]
    fn a_torn_write_affects_no_other_line() {
        let (_folder, path) = place();
        let record = example::short_record();
        let mut writer = Writer::create(&path, &record.header).unwrap();
        writer.append(&record.runs[0]).unwrap();

        // What a disk that fills up in the middle of a line leaves behind.
        writer.file.write_all(b"{\"run\":{\"conten").unwrap();
        writer.torn = true;
        let cut = Record::read(&path).unwrap();
        assert_eq!(cut.runs, record.runs[..1]);
        assert!(cut.truncated);

        writer.append(&record.runs[1]).unwrap();
        let repaired = Record::read(&path).unwrap();
        assert_eq!(repaired.runs, record.runs[..2]);
        assert!(!repaired.truncated);
    }

    #[test]
    fn a_record_cut_anywhere_continues_after_its_last_complete_line() {
        let (_folder, path) = place();
        let record = example::short_record();
        example::save(&record, &path);
        let whole = std::fs::read(&path).unwrap();
        let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;

        for end in (last..whole.len()).step_by(50).chain([whole.len() - 1, whole.len()]) {
            std::fs::write(&path, &whole[..end]).unwrap();
            let (mut writer, cut) = Writer::reopen(&path).unwrap();
            for run in &record.runs[cut.runs.len()..] {
                writer.append(run).unwrap();
            }
            assert_eq!(std::fs::read(&path).unwrap(), whole, "cut at byte {end}");
        }
    }

    #[test]
    fn a_record_that_is_being_written_is_locked() {
        let (_folder, path) = place();
        let writer = Writer::create(&path, &example::short_record().header).unwrap();
        assert_eq!(reopened_in_vain(&path), io::ErrorKind::WouldBlock);
        drop(writer);
        Writer::reopen(&path).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let record = example::short_record();
        let mut writer = Writer {
            file: OpenOptions::new().write(true).open("/dev/full").unwrap(),
            header: record.header.clone(),
            sampled: HashSet::new(),
            length: 0,
            torn: false,
        };
        let failed = writer.append(&record.runs[0]).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
    }
}
