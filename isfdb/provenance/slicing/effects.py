"""What the functions and methods of well-known libraries do to what they are given. Tables only; what stands in none may do anything.

A wrong entry that says "changes nothing" makes slices wrong; a missing one only makes them larger. So a name stands here only where
every well-known type that has such a method agrees.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Packages whose functions leave their arguments alone, but for those in CHANGES and for ``out=`` and ``inplace=True``.
QUIET_PACKAGES: Final = _words(
    "IPython PIL abc altair array ast astropy base64 binascii bisect bottleneck builtins bz2 calendar cftime cmath collections "
    "concurrent contextlib copy csv ctypes cupy cv2 dask dataclasses datashader datetime decimal difflib distributed enum fnmatch "
    "fractions fsspec functools gc geopandas getpass glob gzip h5py hashlib hdbscan html imageio importlib inspect io ipywidgets "
    "isfdb itertools jax joblib json keyword lightgbm logging lzma math matplotlib mimetypes multiprocessing netCDF4 networkx "
    "nibabel numba numbers numcodecs numexpr numpy openpyxl operator os pandas pathlib patsy pickle pint platform plotly polars "
    "pprint pyarrow pyproj pywt queue random rasterio re requests scipy seaborn secrets shapely shelve shutil skimage sklearn "
    "soundfile sqlite3 statistics statsmodels string struct subprocess sympy sys tables tarfile tempfile tensorflow textwrap "
    "threading tifffile time timeit tomllib torch torchvision tqdm traceback types typing umap unicodedata urllib uuid warnings "
    "weakref xarray xgboost xml yaml zarr zipfile zlib zoneinfo"
)

#: Functions that change arguments: name -> places of those, -1 for all.
CHANGES: Final[dict[str, tuple[int, ...]]] = {
    "bisect.insort": (0,),
    "bisect.insort_left": (0,),
    "bisect.insort_right": (0,),
    "collections.deque.append": (0,),
    "delattr": (0,),
    "heapq.heapify": (0,),
    "heapq.heappop": (0,),
    "heapq.heappush": (0,),
    "heapq.heappushpop": (0,),
    "heapq.heapreplace": (0,),
    "json.dump": (1,),
    "next": (0,),
    "numpy.copyto": (0,),
    "numpy.fill_diagonal": (0,),
    "numpy.place": (0,),
    "numpy.put": (0,),
    "numpy.put_along_axis": (0,),
    "numpy.putmask": (0,),
    "numpy.random.shuffle": (0,),
    "operator.delitem": (0,),
    "operator.iadd": (0,),
    "operator.iand": (0,),
    "operator.iconcat": (0,),
    "operator.imul": (0,),
    "operator.ior": (0,),
    "operator.isub": (0,),
    "operator.setitem": (0,),
    "pickle.dump": (1,),
    "random.shuffle": (0,),
    "scipy.linalg.lapack": (-1,),
    "setattr": (0,),
    "sklearn.utils.shuffle": (),
    "torch.nn.init": (0,),
}

#: Functions that call what they are given, or hand it on: their result may hold, or be, any argument.
ALIASING_FUNCTIONS: Final = _words(
    "classmethod collections.ChainMap collections.OrderedDict collections.UserDict collections.UserList collections.defaultdict "
    "collections.deque concurrent.futures.ThreadPoolExecutor contextlib.closing contextlib.nullcontext copy.copy "
    "dask.array.from_array dask.delayed dataclasses.replace dict enumerate filter frozenset functools.cache functools.lru_cache "
    "functools.partial functools.reduce functools.singledispatch functools.wraps getattr iter itertools.accumulate "
    "itertools.batched itertools.chain itertools.combinations itertools.compress itertools.count itertools.cycle "
    "itertools.dropwhile itertools.filterfalse itertools.groupby itertools.islice itertools.pairwise itertools.permutations "
    "itertools.product itertools.repeat itertools.starmap itertools.takewhile itertools.tee itertools.zip_longest list map "
    "matplotlib.pyplot.subplots max memoryview min multiprocessing.Pool multiprocessing.Process next numba.jit numba.njit "
    "numpy.array numpy.array_split numpy.asanyarray numpy.asarray numpy.ascontiguousarray numpy.asfortranarray numpy.asmatrix "
    "numpy.atleast_1d numpy.atleast_2d numpy.atleast_3d numpy.broadcast_arrays numpy.broadcast_to numpy.diag numpy.diagonal "
    "numpy.dsplit numpy.expand_dims numpy.flip numpy.fliplr numpy.flipud numpy.frombuffer numpy.frompyfunc numpy.hsplit numpy.imag "
    "numpy.lib.stride_tricks.as_strided numpy.lib.stride_tricks.sliding_window_view numpy.matrix numpy.matrix_transpose "
    "numpy.memmap numpy.moveaxis numpy.nan_to_num numpy.ndenumerate numpy.nditer numpy.permute_dims numpy.ravel numpy.real "
    "numpy.require numpy.reshape numpy.rollaxis numpy.rot90 numpy.split numpy.squeeze numpy.swapaxes numpy.transpose numpy.unstack "
    "numpy.vectorize numpy.vsplit operator.attrgetter operator.getitem operator.itemgetter pandas.DataFrame pandas.Index "
    "pandas.Series pandas.concat property reversed scipy.interpolate.interp1d scipy.sparse.coo_matrix scipy.sparse.csc_matrix "
    "scipy.sparse.csr_matrix set sklearn.compose.ColumnTransformer sklearn.model_selection.GridSearchCV "
    "sklearn.model_selection.RandomizedSearchCV sklearn.model_selection.train_test_split sklearn.pipeline.Pipeline "
    "sklearn.pipeline.make_pipeline slice sorted staticmethod sum super threading.Thread torch.as_tensor torch.chunk torch.flatten "
    "torch.from_numpy torch.reshape torch.split torch.squeeze torch.t torch.transpose torch.unsqueeze tqdm.auto.tqdm "
    "tqdm.notebook.tqdm tqdm.tqdm tqdm.trange tuple types.SimpleNamespace typing.cast vars weakref.proxy weakref.ref "
    "xarray.DataArray xarray.Dataset xarray.align xarray.as_variable xarray.concat xarray.merge zip"
)

#: Builtin functions that leave their arguments alone and give something new.
PURE_BUILTINS: Final = _words(
    "abs all any ascii bin bool bytearray bytes callable chr complex dir display divmod float format hasattr hash help hex id int "
    "isinstance issubclass len oct ord pow print range repr round str type"
)
ALIASING_BUILTINS: Final = _words(
    "classmethod dict enumerate filter frozenset getattr iter list map max memoryview min object property reversed set slice "
    "sorted staticmethod sum tuple zip"
)

#: Methods that change the object they are called on.
CHANGING_METHODS: Final = _words(
    "__delitem__ __iadd__ __imul__ __next__ __setattr__ __setitem__ __setstate__ add add_ add_edge add_edges_from add_node "
    "add_nodes_from add_subplot advance append appendleft backward clamp_ clear close commit copy_ difference_update discard div_ "
    "eval execute executemany executescript extend extendleft fill fill_ fit fit_predict fit_transform flush insert "
    "intersection_update itemset jumpahead load_state_dict load_weights move_to_end mul_ normal_ partial_fit pop popitem popleft "
    "put read readline readlines register_buffer remove remove_edge remove_node requires_grad_ resize reverse rollback rotate seed "
    "seek send set_params setdefault setfield setflags shuffle sort step sub_ subtract symmetric_difference_update throw train "
    "truncate uniform_ update write writelines writerow writerows zero_ zero_grad"
)

#: Methods that change neither their object nor their arguments, whatever well-known type has them.
QUIET_METHODS: Final = _words(
    "abs adjacency agg aggregate align all any apply applymap argmax argmin argpartition argsort argwhere as_integer_ratio "
    "as_posix as_uri asfreq asof assign assign_attrs assign_coords astype at_time between between_time bfill bit_length blocks "
    "broadcast_like byteswap capitalize casefold cat ceil center children choose chunk clip collect combine combine_first compare "
    "compress compute conj conjugate contains convert_dtypes copy corr corrwith count cov cpu cross_val_score cummax cummin "
    "cumprod cumsum date day decision_function decode degree describe detach diagonal diff difference dim display div divide dot "
    "drop drop_duplicates drop_vars droplevel dropna duplicated edges elements encode end endswith entry eq equals ewm exists "
    "expand_dims expanding expandtabs expanduser explode extract extractall ffill fillna filter find findall first_valid_index "
    "flatten floor format format_map from_bytes fromisoformat fromtimestamp fullmatch ge get get_dummies get_group "
    "get_level_values get_params glob group group_by groupby groupdict groups gt has_edge has_node head hex hist idxmax idxmin "
    "index infer_objects info interp interpolate intersection inverse_transform is_absolute is_dir is_file is_integer isalnum "
    "isalpha isascii isdecimal isdigit isdisjoint isel isidentifier isin islower isna isnull isnumeric isoformat isprintable "
    "isspace issubset issuperset istitle isupper item items iterdir iterrows itertuples join joinpath keys kneighbors kurt lazy le "
    "len limit_denominator link ljust lower ls lstrip lt map map_blocks map_overlap map_partitions mask match max mean median melt "
    "memory_usage merge metadata min mode modules most_common mul multiply named_parameters nanmax nanmin nbytes ne neighbors "
    "nlargest nlevels nodes nonzero notna notnull nsmallest number_of_edges number_of_nodes numel numpy nunique pad parameters "
    "parent pct_change persist pipe pivot pivot_table plot pow predecessors predict predict_log_proba predict_proba prod product "
    "ptp quantile quantize query rank ravel rdiv read_bytes read_text rechunk reindex reindex_like relative_to removeprefix "
    "removesuffix rename rename_axis repeat replace resample reset_index reshape resolve rfind rglob rindex rjust rolling "
    "rolling_exp round rpartition rsplit rstrip rsub samefile sample savefig scan score score_samples searchsorted sel sel_points "
    "select select_dtypes sem set_axis set_index shift show size skew slice slice_replace sort_index sort_values span split "
    "splitlines squeeze stack start startswith stat state_dict std strftime strip strptime sub sub_ subgraph subn successors sum "
    "swap_dims swapaxes swapcase swaplevel symmetric_difference tail take time timestamp timetuple title to_array to_arrow "
    "to_bytes to_csv to_dataframe to_dataset to_delayed to_dict to_excel to_feather to_frame to_hdf to_html to_json to_latex "
    "to_list to_markdown to_netcdf to_numpy to_pandas to_parquet to_pickle to_records to_series to_sql to_string to_timestamp "
    "to_zarr tobytes tolist total_seconds trace transform translate transpose truediv tz_convert tz_localize union unique unstack "
    "upper utcoffset value_counts values var versions view visualize weekday weighted where with_columns with_name with_stem "
    "with_suffix xs year zfill"
)

#: Methods whose result shares nothing with their object: changing it changes nothing else.
FRESH_METHODS: Final = _words(
    "abs all any argmax argmin argpartition argsort astype bit_length capitalize casefold center copy corr count cov cumprod "
    "cumsum decode deepcopy describe diff dot encode endswith exists flatten format hex index is_dir is_file isalpha isdigit isna "
    "isnull isoformat item len lower lstrip max mean median min mode most_common nonzero notna nunique predict predict_proba prod "
    "ptp quantile read_bytes read_text repeat round rstrip score searchsorted size startswith std strftime strip sum take "
    "timestamp title to_csv to_json tobytes tolist total_seconds trace upper value_counts var zfill"
)

#: Kinds of values that nothing can change.
UNCHANGING: Final = _words("number text bytes none")

#: Constructors and functions -> what kind of value they give.
GIVES: Final[dict[str, str]] = {
    **dict.fromkeys(
        "len int float bool complex abs round ord hash id divmod pow isinstance issubclass callable hasattr any all".split(), "number"
    ),
    **dict.fromkeys("str repr ascii format chr hex oct bin".split(), "text"),
    "bytes": "bytes",
    "print": "none",
    **dict.fromkeys(
        (
            "numpy.zeros numpy.ones numpy.empty numpy.full numpy.arange numpy.linspace numpy.logspace numpy.eye numpy.identity numpy.sin "
            "numpy.cos numpy.exp numpy.log numpy.sqrt numpy.concatenate numpy.stack numpy.hstack numpy.vstack numpy.where numpy.dot "
            "numpy.cumsum numpy.diff numpy.sort numpy.unique numpy.histogram numpy.meshgrid numpy.convolve numpy.interp numpy.loadtxt "
            "numpy.genfromtxt numpy.load numpy.array numpy.asarray numpy.zeros_like numpy.ones_like numpy.full_like numpy.random.rand "
            "numpy.random.randn numpy.random.random numpy.random.normal numpy.random.uniform numpy.random.randint numpy.random.choice "
            "numpy.random.permutation numpy.tile numpy.repeat numpy.add numpy.multiply numpy.subtract numpy.divide numpy.clip numpy.copy"
        ).split(),
        "array",
    ),
    **dict.fromkeys(
        (
            "math.sqrt math.sin math.cos math.exp math.log math.floor math.ceil math.pi statistics.mean statistics.median time.time "
            "random.random random.randint random.gauss random.uniform numpy.mean numpy.sum numpy.std numpy.var numpy.median"
        ).split(),
        "number",
    ),
    **dict.fromkeys(
        "pandas.read_csv pandas.read_parquet pandas.read_excel pandas.read_json pandas.read_hdf pandas.read_feather pandas.DataFrame "
        "pandas.concat pandas.merge pandas.pivot_table pandas.get_dummies pandas.Series pandas.date_range pandas.cut pandas.qcut".split(),
        "table",
    ),
}

#: State that lies in no variable of the user: what touches it, and what sets it anew whatever it was.
RANDOM_STATES: Final[dict[str, str]] = {"random": "<random>", "numpy.random": "<numpy.random>", "torch": "<torch random>"}
SEEDS: Final[dict[str, str]] = {
    "random.seed": "<random>",
    "numpy.random.seed": "<numpy.random>",
    "numpy.random.set_state": "<numpy.random>",
    "random.setstate": "<random>",
    "torch.manual_seed": "<torch random>",
    "torch.random.manual_seed": "<torch random>",
    "torch.set_rng_state": "<torch random>",
}
#: Functions of the modules above that draw nothing.
DRAWS_NOT: Final = _words(
    "numpy.random.BitGenerator numpy.random.Generator numpy.random.MT19937 numpy.random.PCG64 numpy.random.Philox "
    "numpy.random.RandomState numpy.random.SFC64 numpy.random.SeedSequence numpy.random.default_rng numpy.random.get_state "
    "random.Random random.SystemRandom random.getstate"
)
#: Functions of torch that draw from its global state.
TORCH_DRAWS: Final = _words("rand rand_like randn randn_like randint randint_like randperm normal bernoulli multinomial poisson dropout nn")
#: Makers of generators that hold a state of their own.
GENERATORS: Final = _words(
    "jax.random.PRNGKey numpy.random.Generator numpy.random.RandomState numpy.random.default_rng random.Random torch.Generator"
)
#: scikit-learn and friends draw from numpy's global state unless told a ``random_state``.
DRAWS_WITHOUT_STATE: Final = _words("sklearn scipy.stats umap hdbscan lightgbm xgboost")

#: Functions of libraries that read or write a file named by their first argument; methods by name.
READS_FILE: Final = _words(
    "PIL.Image.open bz2.open csv.reader cv2.imread dask.array.from_zarr dask.dataframe.read_csv dask.dataframe.read_parquet "
    "geopandas.read_file glob.glob glob.iglob gzip.open h5py.File imageio.imread imageio.v3.imread importlib.import_module "
    "importlib.reload io.open joblib.load json.load lzma.open matplotlib.pyplot.imread netCDF4.Dataset nibabel.load numpy.fromfile "
    "numpy.genfromtxt numpy.load numpy.loadtxt numpy.memmap os.listdir os.path.exists os.path.getsize os.path.isdir os.path.isfile "
    "os.scandir os.stat os.walk pandas.read_csv pandas.read_excel pandas.read_feather pandas.read_fwf pandas.read_hdf "
    "pandas.read_html pandas.read_json pandas.read_orc pandas.read_parquet pandas.read_pickle pandas.read_sas pandas.read_spss "
    "pandas.read_sql pandas.read_stata pandas.read_table pandas.read_xml pickle.load polars.read_csv polars.read_json "
    "polars.read_parquet polars.scan_csv polars.scan_parquet pyarrow.csv.read_csv pyarrow.feather.read_feather "
    "pyarrow.feather.read_table pyarrow.parquet.read_table rasterio.open runpy.run_path scipy.io.loadmat scipy.io.wavfile.read "
    "scipy.sparse.load_npz skimage.io.imread soundfile.read sqlite3.connect tarfile.open tifffile.imread tomllib.load torch.load "
    "xarray.load_dataarray xarray.load_dataset xarray.open_dataarray xarray.open_dataset xarray.open_mfdataset xarray.open_zarr "
    "yaml.safe_load zarr.open zarr.open_array zarr.open_group zipfile.ZipFile"
)
WRITES_FILE: Final = _words(
    "bz2.open cv2.imwrite gzip.open h5py.File imageio.imwrite imageio.v3.imwrite io.open joblib.dump json.dump lzma.open "
    "matplotlib.pyplot.imsave matplotlib.pyplot.savefig netCDF4.Dataset numpy.save numpy.savetxt numpy.savez "
    "numpy.savez_compressed os.chmod os.link os.makedirs os.mkdir os.popen os.remove os.rename os.replace os.rmdir os.symlink "
    "os.system os.unlink os.utime pickle.dump pyarrow.csv.write_csv pyarrow.feather.write_feather pyarrow.parquet.write_table "
    "scipy.io.savemat scipy.io.wavfile.write scipy.sparse.save_npz shutil.copy shutil.copy2 shutil.copyfile shutil.copytree "
    "shutil.make_archive shutil.move shutil.rmtree shutil.unpack_archive skimage.io.imsave soundfile.write sqlite3.connect "
    "subprocess.Popen subprocess.call subprocess.check_call subprocess.check_output subprocess.run tarfile.open "
    "tempfile.NamedTemporaryFile tempfile.TemporaryDirectory tempfile.mkdtemp tempfile.mkstemp tifffile.imwrite torch.save "
    "urllib.request.urlretrieve yaml.dump yaml.safe_dump zarr.create_array zarr.open zarr.open_array zarr.open_group zarr.save "
    "zipfile.ZipFile"
)
WRITING_METHODS: Final = _words(
    "create_dataset create_group dump hardlink_to imsave mkdir rmdir save savefig sink_csv sink_parquet symlink_to to_csv to_excel "
    "to_feather to_file to_hdf to_json to_latex to_markdown to_netcdf to_parquet to_pickle to_sql to_stata to_zarr tofile touch "
    "unlink write write_bytes write_csv write_html write_image write_json write_parquet write_text"
)
READING_METHODS: Final = _words("read_text read_bytes exists is_file is_dir iterdir glob_ rglob_ stat open read readline readlines")

#: Attributes and functions whose answer differs from run to run.
CLOCKS: Final = _words(
    "datetime.date.today datetime.datetime.now datetime.datetime.today datetime.datetime.utcnow os.getpid os.urandom "
    "pandas.Timestamp.now pandas.Timestamp.today secrets.randbelow secrets.token_bytes secrets.token_hex time.ctime time.gmtime "
    "time.localtime time.monotonic time.perf_counter time.strftime time.time time.time_ns uuid.uuid1 uuid.uuid4"
)
NETWORK: Final = _words("requests urllib.request urllib3 http.client httpx aiohttp socket ftplib smtplib boto3 s3fs gcsfs paramiko")

#: Modules with hidden state that statements set and others use.
STATEFUL_MODULES: Final[dict[str, str]] = {
    "matplotlib.pyplot": "<plot>",
    "seaborn": "<plot>",
    "warnings": "<warnings>",
    "locale": "<locale>",
    "decimal.getcontext": "<decimal>",
    "decimal.setcontext": "<decimal>",
    "os.chdir": "<working directory>",
    "os.getcwd": "<working directory>",
    "os.environ": "<environ>",
    "os.putenv": "<environ>",
    "os.getenv": "<environ>",
    "sys.path": "<sys.path>",
    "logging": "<logging>",
}
#: Functions whose name says that they set something for all that comes after.
SETTERS: Final = _words(
    "dask.config.set gc.disable gc.enable isfdb.set_options matplotlib.rc matplotlib.rcParams.update matplotlib.use "
    "numpy.random.seed numpy.set_printoptions numpy.seterr numpy.seterrcall pandas.reset_option pandas.set_option "
    "plotly.io.templates polars.Config polars.enable_string_cache random.seed sklearn.set_config sympy.init_printing "
    "sys.setrecursionlimit torch.set_default_device torch.set_default_dtype torch.set_grad_enabled torch.set_num_threads "
    "torch.use_deterministic_algorithms xarray.set_options"
)

#: Nobody can say what these do; everything before belongs to the slice.
ANYTHING: Final = _words("exec eval compile globals locals vars __import__ breakpoint get_ipython input")
